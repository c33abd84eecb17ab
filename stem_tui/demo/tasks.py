"""The tasks of the demo: lively, uneven, and sometimes failing."""

from __future__ import annotations

import asyncio
from random import Random

from stem_core import FunctionTaskHandler, SimpleTaskRegistry, TaskContext, TaskOptions, TaskRetryPolicy

SEED = 7


class StripeTimeout(Exception):  # noqa: N818 - named as the library's own
    """The payment provider did not answer."""


class AddressUnknown(Exception):  # noqa: N818 - named as the library's own
    """The mail server refused the address."""


class VatMissing(Exception):  # noqa: N818 - named as the library's own
    """An invoice lacks its VAT id."""


class Tasks:
    """Handlers that share one source of chance, so that a demo is the same each time.

    Args:
        seed: Where chance starts.
    """

    def __init__(self, seed: int = SEED) -> None:
        self._random = Random(seed)  # noqa: S311 - chance for a demo, not for secrets

    async def charge(self, context: TaskContext, order: int, amount: float) -> dict[str, object]:
        """Take money; the provider times out now and then, and gets the worse the bigger the order is."""
        await asyncio.sleep(self._random.uniform(0.05, 0.6))
        if self._random.random() < 0.12:
            raise StripeTimeout(f"read timed out after 40s for order {order}")
        return {"order": order, "charged": amount, "attempt": context.attempt}

    async def send(self, to: str) -> str:
        """Send a mail; some addresses are wrong."""
        await asyncio.sleep(self._random.uniform(0.01, 0.12))
        if self._random.random() < 0.015:
            raise AddressUnknown(f"550 no such user {to}")
        return f"sent to {to}"

    async def build(self, context: TaskContext, report: str, pages: int) -> str:
        """Build a report, page by page, telling how far it is."""
        for page in range(pages):
            context.progress(page / pages, f"page {page + 1} of {pages}")
            await asyncio.sleep(self._random.uniform(0.2, 0.5))
        return f"{report}.pdf"

    async def book(self, invoice: int, country: str) -> str:
        """Book an invoice; those of one country lack what is needed, and are not tried again."""
        await asyncio.sleep(self._random.uniform(0.02, 0.1))
        if country == "CH":
            raise VatMissing(f"no VAT id on invoice {invoice}")
        return f"booked {invoice}"

    def post(self, url: str) -> int:
        """Call a webhook, in a thread."""
        return 200 if url.startswith("https://") else 400


def registry(seed: int = SEED) -> SimpleTaskRegistry:
    """Return the registry of the demo's tasks."""
    tasks = Tasks(seed)
    retry = TaskRetryPolicy(backoff=True, backoff_max=15.0, default_delay=2.0)
    payments = TaskOptions(queue="payments", max_retries=2, retry_policy=retry)
    emails = TaskOptions(queue="emails", max_retries=1, retry_policy=retry)
    return (
        SimpleTaskRegistry()
        .register(FunctionTaskHandler("payments.charge", tasks.charge, payments))
        .register(FunctionTaskHandler("emails.send", tasks.send, emails))
        .register(FunctionTaskHandler("reports.build", tasks.build, TaskOptions(queue="reports")))
        .register(FunctionTaskHandler("invoices.book", tasks.book, TaskOptions(queue="invoices", max_retries=0)))
        .register(FunctionTaskHandler("webhooks.post", tasks.post, TaskOptions(queue="webhooks")))
    )
