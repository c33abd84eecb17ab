"""Random histories on every store of ours, compared with the model."""

from __future__ import annotations

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager

import pytest

from stem_core.testing.contract.harness import Store
from stem_core.testing.contract.machine import check_histories
from tests.contract.conftest import STORES, Opening
from tests.contract.memory_store import memory_store


@pytest.mark.parametrize("opening", STORES)
@pytest.mark.timeout(180)
def test_no_history_brings_a_store_to_differ_from_the_model(opening: Opening, request: pytest.FixtureRequest) -> None:
    def open_store() -> AbstractAsyncContextManager[Store]:
        return opening(request, f"h{uuid.uuid4().hex[:12]}")

    # Time passes for real on a server: fewer histories there, unless someone asks for more.
    examples = int(os.environ.get("STEM_TEST_HISTORIES", "5"))
    with ThreadPoolExecutor(1) as thread:  # runners take away the event loop that pytest-asyncio keeps in this one
        thread.submit(check_histories, open_store, examples=400 if opening is memory_store else examples).result()
