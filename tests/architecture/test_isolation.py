"""No test asks about, or changes, more of a server that others share than what is its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parents[1]
SHARED: Final = re.compile(r"(postgres|redis|redis7|tls)_(server|url)|redis_cluster|cluster_url|store_url|own|direct")
"""Fixtures of servers that many tests take, and of brokers on them."""

WHOLE: Final = re.compile(
    r"FROM stem\.(?!.*namespace)|TRUNCATE|DROP SCHEMA|pg_stat_|keys\(\"\*|scan_iter\((?!.*namespace)"
    r"|\b(flushall|flushdb|dbsize|info|config_set|client_list|client_kill)\("
)
"""What speaks of a whole server."""


def of_whole_servers(module: str) -> list[str]:
    """Return the lines that do so in tests that share their server."""
    lines = module.splitlines()
    return [
        line.strip()
        for node in ast.walk(ast.parse(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and any(SHARED.fullmatch(argument.arg) for argument in node.args.args)
        for line in lines[node.lineno - 1 : node.end_lineno]
        if WHOLE.search(line)
    ]


def test_who_shares_a_server_looks_at_a_namespace_and_who_looks_at_all_has_a_private_one() -> None:
    found = {str(path.relative_to(TESTS)): of_whole_servers(path.read_text()) for path in TESTS.rglob("test_*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_a_question_about_what_all_have_left_behind_is_found() -> None:
    asks = 'assert ask(server, "SELECT count(*) FROM stem.markers") == [(0,)]'
    assert of_whole_servers(f"def test_shared(postgres_server):\n    {asks}") == [asks]
    assert of_whole_servers(f"def test_private(private_postgres):\n    {asks}") == []
