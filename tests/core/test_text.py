"""Names from files are shown as text that can do nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import Failure, FileError, NnscopeError
from nnscope.core.text import plain


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("layer.0.weight", "layer.0.weight"),
        ("größe.重み", "größe.重み"),
        ("a\x00b", "a\\x00b"),
        ("\x1b[2J", "\\x1b[2J"),
        ("evil\u202etxt", "evil\\u202etxt"),
        ("line\nbreak", "line\\x0abreak"),
        ("\u2028", "\\u2028"),
        ("<img src=x>", "<img src=x>"),
        ("", ""),
    ],
    ids=repr,
)
def test_control_and_direction_characters_are_shown(name: str, shown: str) -> None:
    assert plain(name) == shown


@given(st.text())
def test_nothing_unprintable_is_left(name: str) -> None:
    shown = plain(name, 0)
    assert all(c.isprintable() or c.isspace() for c in shown)
    assert not set(shown) & set("\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029")


def test_long_names_are_elided_in_the_middle() -> None:
    shown = plain("a" * 500 + "end", 40)
    assert len(shown) == 40
    assert "…" in shown
    assert shown.endswith("end")
    assert len(plain("x" * 1_000_000)) == 256


def test_errors_say_what_where_and_what_to_do() -> None:
    error = FileError("truncated", "The file ends early.", "m.pt", "Download it again.", offset=12)
    assert str(error) == "m.pt: The file ends early. Download it again. (at byte 12)"
    failure = Failure.of(error, "Traceback …")
    assert (failure.code, failure.where, failure.details) == ("truncated", "m.pt", "Traceback …")
    assert "unexpected" in str(Failure.of(ZeroDivisionError("x"))).lower()
    assert str(NnscopeError("Only this.")) == "Only this."
