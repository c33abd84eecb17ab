"""A worker process that ends with its supervisor: `python -m stem_core.cli.supervised worker start …`.

Its stdin is a pipe on which nothing is ever sent. When the supervisor is gone, however it went, the pipe ends, and the
worker stops warm instead of living on unseen.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import Final

from stem_core.cli.main import run

_STDIN: Final = 0


def main() -> None:
    """Run the command line of this process, and exit."""
    link = os.dup(_STDIN)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STDIN)
    os.close(nothing)
    threading.Thread(target=_stop_at_end, args=(link,), name="stem-supervisor", daemon=True).start()
    sys.exit(run(sys.argv[1:]))


def _stop_at_end(link: int) -> None:
    while os.read(link, 1024):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
