"""What workers serve that join the demo: `stem worker start --app stem_tui.demo.app:stem`."""

from __future__ import annotations

from typing import Final

from stem_core import Stem
from stem_tui.demo.tasks import registry

stem: Final = Stem.from_environment(registry=registry())
