"""The embedded cluster behind `stem-tui --demo`: nothing in it is simulated but the work."""

from stem_tui.demo.cluster import DemoSource

__all__ = ["DemoSource"]
