"""Widgets: they draw what views hand them, and know nothing of the cluster."""
