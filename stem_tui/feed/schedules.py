"""Reading schedules and how they stand."""

from __future__ import annotations

from itertools import islice
from typing import Final

from stem_core.client import ClusterClient
from stem_core.clock import Clock
from stem_tui.feed.patience import in_time
from stem_tui.store import ClusterModel
from stem_tui.store.schedules import ScheduleItem, item_of, unreadable_item

READ_EVERY: Final = 2.0
_TICKS: Final = 5
_EFFECTS: Final = frozenset({"enabled", "disabled"})


class ScheduleReader:
    """Reads schedules into the model while somebody looks at them.

    Args:
        model: What is fed.
        clock: Tells how old it is.
    """

    def __init__(self, model: ClusterModel, clock: Clock) -> None:
        self._model = model
        self._clock = clock

    async def look(self, cluster: ClusterClient) -> float:
        """Read, if somebody looks; returns after how many seconds to look again."""
        schedules = self._model.schedules
        if schedules.watched or self._awaited():
            schedules.take(await in_time(read_schedules(cluster, schedules.opened)), self._clock.monotonic())
            self._model.touch()
        return READ_EVERY

    def _awaited(self) -> bool:
        """Whether a command was about a schedule, whose effect is looked for."""
        waiting = self._model.receipts.waiting()
        return any(receipt.effect is not None and receipt.effect.kind in _EFFECTS for receipt in waiting)


async def read_schedules(cluster: ClusterClient, opened: str = "") -> list[ScheduleItem]:
    """Return all schedules and how they stand, by the broker's clock; with the next ticks of the one that is opened."""
    from stem_core.schedule.book import ScheduleBook  # noqa: PLC0415 - most consoles never look at schedules
    from stem_core.schedule.overview import overview  # noqa: PLC0415 - likewise
    from stem_core.schedule.timing import Timing, milliseconds  # noqa: PLC0415 - likewise

    entries, unreadable = await ScheduleBook(cluster.broker).load()
    now = milliseconds(await cluster.broker.time())
    items = []
    for standing in overview(entries, now).standings:
        ticks: list[float] = []
        if standing.item.name == opened and standing.next_run is not None:
            timing = Timing(standing.item.stored.entry)
            ticks = [timing.due_at(tick) / 1000 for tick in islice(timing.after(now), _TICKS)]
        items.append(item_of(standing, ticks))
    return items + [unreadable_item(found) for found in unreadable]
