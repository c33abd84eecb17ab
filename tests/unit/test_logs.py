"""Log lines for programs."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from stem_core.logs import JsonFormatter, TaskLogging
from stem_core.stores.memory import InMemoryBroker
from tests.worker.cluster import Cluster


def formatted(formatter: JsonFormatter, **fields: Any) -> dict[str, object]:
    line = formatter.format(logging.makeLogRecord({"name": "app", "levelname": "INFO", "created": 1.5, **fields}))
    assert line.isascii()
    assert line.isprintable()
    document: dict[str, object] = json.loads(line)
    return document


def test_a_record_is_one_object_with_what_is_known() -> None:
    fields = {"msg": "paid %s", "args": ("a\u202e\nb",), "order": 7}
    assert formatted(JsonFormatter("w1"), **fields) == {
        "order": 7,
        "time": "1970-01-01T00:00:01.500Z",
        "level": "info",
        "logger": "app",
        "message": "paid a\u202e\nb",
        "worker": "w1",
    }


def test_what_a_caller_adds_neither_replaces_what_is_known_nor_must_be_json() -> None:
    line = formatted(JsonFormatter(), msg="m", level="mine", thing={1, 2})
    assert (line["level"], line["thing"]) == ("info", "{1, 2}")


def test_an_exception_is_told_in_the_same_line() -> None:
    error = ValueError("broken")
    line = formatted(JsonFormatter(), msg="m", exc_info=(ValueError, error, None))
    assert str(line["exception"]).endswith("ValueError: broken")


async def test_lines_that_are_written_inside_a_task_name_it(namespace: str) -> None:
    lines: list[dict[str, object]] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(self.format(record)))

    async def speak(text: str) -> None:
        await asyncio.sleep(0)
        logger.warning(text)

    def speak_in_a_thread(text: str) -> None:
        logger.warning(text)

    logger, handler, cluster = logging.getLogger("tests.logs"), Kept(), Cluster(InMemoryBroker(namespace, lease=1.0))
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    try:
        cluster.task("speak", speak)
        cluster.task("thread", speak_in_a_thread)
        await cluster.worker(middleware=[TaskLogging()])
        ids = [await cluster.send(name, {"text": name}) for name in ("speak", "thread")]
        for each in ids:
            await cluster.ended(each)
        logger.warning("outside")
    finally:
        logger.removeHandler(handler)
        await cluster.close()
    told = {line["message"]: (line.get("task"), line.get("task_id")) for line in lines}
    assert told == {"speak": ("speak", ids[0]), "thread": ("thread", ids[1]), "outside": (None, None)}
