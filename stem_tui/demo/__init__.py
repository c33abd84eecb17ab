"""The embedded cluster behind `stem-tui --demo`: nothing in it is simulated but the work."""

from stem_tui.demo.cluster import APP, DemoSource

__all__ = ["APP", "DemoSource"]
