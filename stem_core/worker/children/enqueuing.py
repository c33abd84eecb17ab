"""How tasks in a child process enqueue further tasks: through the app's own Stem, which connects when one wants it."""

from __future__ import annotations

from stem_core.client import Stem
from stem_core.client.passing_on import PassingOn
from stem_core.errors import UsageError


class ChildEnqueuer(PassingOn):
    """Enqueues through the app, if that reaches the worker's own broker; each call raises UsageError if it does not.

    Args:
        app: The child's Stem.
        location: Where the worker's broker is.
    """

    def __init__(self, app: Stem, location: str) -> None:
        self._app = app
        self._location = location

    async def _stem(self) -> Stem:
        broker, _ = await self._app.connect()
        if broker.location != self._location:
            raise UsageError(
                f"in a child process the app reaches the broker {broker.location}, not its worker's {self._location}",
                "make the app's Stem with from_environment or from_url, for a broker that processes can share",
            )
        return self._app
