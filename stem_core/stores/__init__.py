"""The stores, and the only place that knows which there are: URL scheme to module."""
