"""What every store promises, as tests: one module per promise.

To hold a store of your own to them, write a test module that imports all of this, and give it a `store` fixture:

    from stem_core.testing.contract import *

    @pytest.fixture
    async def store() -> AsyncIterator[Store]:
        yield MyStore(...)

`Store` says what that must be. The tests are asynchronous: pytest-asyncio runs them with `asyncio_mode = "auto"`.
"""

# ruff: noqa: F403 - pytest must hear of the modules before they are imported, or their asserts say nothing

from __future__ import annotations

import pytest

_PROMISES = (
    "coordination", "crashes", "dead_letters", "delays", "fetching", "figures", "harness", "leases", "operations",
    "presences", "publishing", "results", "settling", "topics",
)  # fmt: skip
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _PROMISES))

from stem_core.testing.contract.coordination import *
from stem_core.testing.contract.crashes import *
from stem_core.testing.contract.dead_letters import *
from stem_core.testing.contract.delays import *
from stem_core.testing.contract.fetching import *
from stem_core.testing.contract.figures import *
from stem_core.testing.contract.harness import Store
from stem_core.testing.contract.leases import *
from stem_core.testing.contract.operations import *
from stem_core.testing.contract.presences import *
from stem_core.testing.contract.publishing import *
from stem_core.testing.contract.results import *
from stem_core.testing.contract.settling import *
from stem_core.testing.contract.topics import *


@pytest.fixture
def broker(store: Store) -> object:
    """The store's broker."""
    return store.broker
