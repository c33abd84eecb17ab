"""The `stem` command: run workers, look at a cluster, and command it."""

from stem_core.cli.main import main

__all__ = ["main"]
