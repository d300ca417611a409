"""Shortcuts: one command each, whatever a settings file says; swapped, taken away, and given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import NnscopeError
from nnscope.gui.actions import ACTIONS, MENUS
from nnscope.gui.bindings import Bindings, caps, normal

DEFAULTS = {"open": "Ctrl+O", "save": "Ctrl+S", "quit": "Ctrl+Q", "about": ""}
KEYS = ("Ctrl+O", "Ctrl+S", "Ctrl+Q", "X", "", "Tab", "nonsense", "Ctrl+K, Ctrl+C", "ctrl+s", "Alt+F")


def bindings(**remembered: str) -> Bindings:
    return Bindings(DEFAULTS, remembered, MENUS)


def keys_of(made: Bindings) -> dict[str, str]:
    return {id: made[id] for id in DEFAULTS}


@given(st.dictionaries(st.sampled_from((*DEFAULTS, "other")), st.sampled_from(KEYS) | st.text(max_size=9)))
def test_whatever_is_remembered_no_two_commands_share_keys(remembered: dict[str, str]) -> None:
    made = Bindings(DEFAULTS, remembered, MENUS)
    given_out = [keys for keys in keys_of(made).values() if keys]
    assert len(given_out) == len(set(given_out))
    assert all(not made.refusal(keys) for keys in given_out)
    again = Bindings(DEFAULTS, made.remembered(), MENUS)
    assert keys_of(again) == keys_of(made)
    assert again.remembered() == made.remembered()


@pytest.mark.parametrize(
    "keys",
    ["nonsense", "Ctrl+", "Shift", "Tab", "Esc", "Alt+F", "Ctrl+K, Ctrl+C", "Ctrl+\0", "x" * 1000],
    ids=lambda keys: repr(keys)[:20],
)
def test_an_entry_that_is_no_shortcut_keeps_the_default(keys: str) -> None:
    made = bindings(open=keys, save="F5")
    assert keys_of(made) == {**DEFAULTS, "save": "F5"}


@pytest.mark.parametrize(
    ("remembered", "kept"),
    [
        ({"open": "Ctrl+S"}, {}),
        ({"open": "Ctrl+S", "save": "Ctrl+O"}, {"open": "Ctrl+S", "save": "Ctrl+O"}),
        ({"open": "X", "save": "X"}, {"open": "X"}),
        ({"open": "Ctrl+S", "save": ""}, {"open": "Ctrl+S", "save": ""}),
        ({"about": "Ctrl+O", "open": "Ctrl+Q"}, {}),
        ({"open": "f5"}, {"open": "F5"}),
    ],
    ids=["taken", "swapped", "both", "freed", "chain", "spelling"],
)
def test_doubles_in_a_file(remembered: dict[str, str], kept: dict[str, str]) -> None:
    made = bindings(**remembered)
    assert keys_of(made) == {**DEFAULTS, **kept}
    assert made.remembered() == kept


def test_what_is_taken_is_refused_or_swapped() -> None:
    made = bindings()
    assert made.holder("ctrl+s", "open") == "save"
    assert made.holder("Ctrl+S", "save") == ""
    with pytest.raises(NnscopeError):
        made.bind("open", "Ctrl+S")
    assert made["open"] == "Ctrl+O"
    made.swap("open", "Ctrl+S")
    assert (made["open"], made["save"]) == ("Ctrl+S", "Ctrl+O")
    made.swap("about", "Ctrl+Q")
    assert (made["about"], made["quit"]) == ("Ctrl+Q", "")
    made.reset_all()
    assert keys_of(made) == DEFAULTS
    assert made.remembered() == {}


def test_commands_of_plugins_that_are_away_are_remembered() -> None:
    made = Bindings(DEFAULTS, {"view:other": "7"})
    made.bind("open", "F2")
    assert made.remembered() == {"view:other": "7", "open": "F2"}


def test_refusals_say_why() -> None:
    made = bindings()
    assert made.refusal("Alt+F") == "Alt+F opens the menu File, so it can't be the shortcut of a command."
    assert made.refusal("Tab").startswith("Tab moves to the next control")
    assert "press one key" in made.refusal("nonsense")
    assert made.refusal("") == made.refusal("F9") == ""


def test_the_commands_as_they_come_are_well_formed() -> None:
    defaults = {spec.id: spec.keys for spec in ACTIONS}
    made = Bindings(defaults, {}, MENUS)
    for id, keys in defaults.items():
        assert made[id] == keys
        assert not made.refusal(keys)


@pytest.mark.parametrize(
    ("keys", "parts"),
    [
        ("", []),
        ("S", ["S"]),
        ("+", ["+"]),
        ("Ctrl++", ["Ctrl", "+"]),
        ("Ctrl+Shift+P", ["Ctrl", "Shift", "P"]),
        ("Ctrl+漢", ["Ctrl", "漢"]),
    ],
    ids=repr,
)
def test_keys_one_by_one(keys: str, parts: list[str]) -> None:
    assert caps(keys) == parts
    assert not keys or normal(keys) == keys
