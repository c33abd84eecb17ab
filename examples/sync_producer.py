"""Enqueueing from a program without an event loop, such as a web application or a script.

stem worker start --app examples.decorator:stem --queue reports
python -m examples.sync_producer
"""

from __future__ import annotations

from examples.decorator import count, stem


def main() -> None:
    task_id = count.enqueue_sync(words="to be or not to be")
    print(f"{stem.wait_for_sync(task_id, timeout=10).result} words")


if __name__ == "__main__":
    main()
