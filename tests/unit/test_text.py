from __future__ import annotations

import unicodedata

from hypothesis import given, strategies as st

from stem_core.text import visible, visible_lines

ANY = st.text(st.characters(categories=None), max_size=50) | st.text("\x1b\u202e\u200b\ud800\x9b[]a", max_size=20)


@given(text=ANY)
def test_nothing_that_a_terminal_could_act_on_is_left(text: str) -> None:
    for character in visible(text):
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


@given(text=ANY, limit=st.integers(1, 20))
def test_lines_of_a_long_text_are_harmless_too(text: str, limit: int) -> None:
    lines = visible_lines(text, limit)
    assert len(lines) <= limit
    assert all(line == visible(line) for line in lines)


def test_what_is_hidden_is_written_out_and_the_rest_stays() -> None:
    assert visible("a\x1b[2J\u202eb\nü漢") == "a\\x1b[2J\\u202eb\\x0aü漢"
    assert visible("\U000e0001") == "\\U000e0001"


def test_a_limit_cuts_with_an_ellipsis() -> None:
    assert visible("abcdef", 4) == "abc…"
