"""Preferences survive anything that can be in their file, and are written whole or not at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import NnscopeError
from nnscope.core.settings import (
    ENVIRONMENT,
    RECENT,
    Preferences,
    load_preferences,
    save_preferences,
    settings_path,
)

if TYPE_CHECKING:
    from pathlib import Path


WRONG = b'{"theme": 3, "recent": 7, "geometry": [], "keys": ["a"]}'


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    wanted = Preferences("light", ("b", "a"), "Z2VvbQ==", "bGF5", {"undo": "U", "redo": ""})
    save_preferences(wanted, tmp_path / "new" / "settings.json")
    assert load_preferences(tmp_path / "new" / "settings.json") == wanted


def test_missing_file_gives_defaults(tmp_path: Path) -> None:
    assert load_preferences(tmp_path / "none.json") == Preferences()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"theme": 3, "recent": 7, "geometry": [], "keys": ["a"]}',
        b"\0" * 99,
    ],
    ids=["empty", "cut", "list", "null", "no-utf8", "deep", "wrong-types", "zeros"],
)
def test_broken_file_gives_defaults(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    assert load_preferences(file) == Preferences()


def test_good_fields_survive_bad_ones(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(
        json.dumps({"theme": "purple", "recent": ["a", 3, "", "a", "b"], "future": 1, "keys": {"a": 1, "b": "B"}})
    )
    assert load_preferences(file) == Preferences(recent=("a", "b"), keys={"b": "B"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["theme", "recent", "geometry", "layout", "keys", "x"]), json_values))
def test_any_json_is_understood(tmp_path_factory: pytest.TempPathFactory, raw: dict[str, object]) -> None:
    file = tmp_path_factory.mktemp("settings") / "settings.json"
    file.write_text(json.dumps(raw))
    loaded = load_preferences(file)
    assert loaded.theme in ("system", "light", "dark")
    assert all(isinstance(path, str) for path in loaded.recent)


def test_recent_files_are_few_and_each_once() -> None:
    preferences = Preferences()
    for name in [*map(str, range(30)), "29", "5"]:
        preferences = preferences.opened(name)
    assert preferences.recent[:2] == ("5", "29")
    assert len(preferences.recent) == RECENT == len(set(preferences.recent))


def test_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "mine.json"))
    save_preferences(Preferences("dark"))
    assert settings_path() == tmp_path / "mine.json"
    assert load_preferences().theme == "dark"


def test_unwritable_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NnscopeError, match="file"):
        save_preferences(Preferences(), tmp_path / "file" / "settings.json")
