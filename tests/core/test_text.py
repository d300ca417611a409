"""Names from files are shown as text that can do nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import Failure, FileError, NnscopeError
from nnscope.core.text import abbreviations, plain


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


@pytest.mark.parametrize(
    ("name", "shorter"),
    [
        ("blocks.3.attention.query", ["blocks.3.….query", "….3.….query"]),
        ("encoder.layer.11.self.query.key", [
            "encoder.layer.11.….query.key",
            "encoder.layer.11.….key",
            "encoder.….11.….key",
            "….11.….key",
        ]),
        ("layers.0.0.conv", ["….0.0.conv"]),
        ("a.1.b.2.c", ["a.1.….2.c", "….1.….2.c"]),
        ("embeddings.word.weight", ["embeddings.….weight", "….weight"]),
        ("head", []),
        ("", []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_dotted_names_keep_their_numbers_and_their_last_part(name: str, shorter: list[str]) -> None:
    assert list(abbreviations(name)) == shorter
