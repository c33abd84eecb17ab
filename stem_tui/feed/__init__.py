"""Where the console's data comes from, and how it is read into the model."""

from stem_tui.feed.reading import Feed
from stem_tui.feed.source import LiveSource, Source

__all__ = ["Feed", "LiveSource", "Source"]
