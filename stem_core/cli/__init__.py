"""The `stem` command: run workers, look at a cluster, and command it."""

import sys

try:
    from stem_core.cli.main import main
except KeyboardInterrupt:  # whoever is that quick shall not see where
    sys.exit(130)

__all__ = ["main"]
