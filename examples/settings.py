"""What this process is set to, and where each setting comes from: python -m examples.settings"""

from __future__ import annotations

from stem_core import StemConfig
from stem_core.urls import redact_url


def main() -> None:
    config = StemConfig.from_environment()
    print(f"broker: {redact_url(config.broker_url)} ({config.sources['broker_url']})")
    print(f"queues: {', '.join(config.worker_queues) or config.default_queue} ({config.sources['worker_queues']})")
    print(f"jobs held per slot: {config.prefetch_multiplier} ({config.sources['prefetch_multiplier']})")


if __name__ == "__main__":
    main()
