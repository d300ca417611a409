"""Setting text: widths, positions, what the fonts have, and text that doesn't fit."""

from __future__ import annotations

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnscope.core.assets import assets_folder
from nnscope.render.glyphs import Glyphs
from nnscope.scene.typeface import MISSING, Face

FONTS = assets_folder() / "fonts"
NEEDED = string.printable[:95] + "−×·≤≥σμ±…√²⁰¹³⁴⁵⁶⁷⁸⁹∞≈→←↑↓▁▂▃▄▅▆▇█□äöüßéñµαβγΔΣ–“”"


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    return Glyphs()


@pytest.mark.parametrize("face", Face, ids=lambda face: face.name)
def test_fonts_are_small_and_licensed(face: Face) -> None:
    assert (FONTS / face.value).stat().st_size < 100_000
    licence = (FONTS / "OFL.txt").read_text()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert face.value in licence


def _has(glyphs: Glyphs, character: str, face: Face) -> bool:
    return bool(_bits(glyphs, character, face) != _bits(glyphs, MISSING, face))


def _bits(glyphs: Glyphs, text: str, face: Face) -> bytes:
    run = glyphs.run(text, face, 32)
    return b"".join(_texels(glyphs, quad).tobytes() for quad in run.quads)


def _texels(glyphs: Glyphs, quad: np.ndarray) -> np.ndarray:
    s0, t0, s1, t1 = quad[4:].astype(int)
    return glyphs.coverage[t0:t1, s0:s1]


def test_the_text_faces_have_what_is_written_with_them(glyphs: Glyphs) -> None:
    blocks = set("▁▂▃▄▅▆▇█")
    lacking = {
        face.name: [c for c in NEEDED if c not in blocks | {MISSING} and not _has(glyphs, c, face)] for face in Face
    }
    assert lacking == {face.name: [] for face in Face}
    assert all(_has(glyphs, c, Face.MONO) for c in blocks)


@pytest.mark.parametrize("character", ["漢", "\u202e", "\x1b", "\n", "\x00", "\ufffe", "\U0001f600"], ids=ascii)
def test_what_is_lacking_shows_as_a_box(glyphs: Glyphs, character: str) -> None:
    assert not _has(glyphs, character, Face.TEXT)
    assert len(glyphs.run(f"a{character}b", Face.TEXT, 11).quads) == 3


def test_a_space_that_does_not_break_is_a_space(glyphs: Glyphs) -> None:
    run = glyphs.run("1\u00a0234", Face.TEXT, 11)
    assert len(run.quads) == 4
    assert run.width == glyphs.run("1 234", Face.TEXT, 11).width


@pytest.mark.parametrize("face", Face, ids=lambda face: face.name)
def test_figures_have_one_width(glyphs: Glyphs, face: Face) -> None:
    widths = [glyphs.width(c, face, 100) for c in "0123456789"]
    assert max(widths) - min(widths) < 0.25, "Inter SemiBold's own 4 is a trifle narrower"


def test_minus_is_as_wide_as_plus(glyphs: Glyphs) -> None:
    assert glyphs.width("−", Face.TEXT, 100) == glyphs.width("+", Face.TEXT, 100)


@given(text=st.text("abcdefXYZ 0123.,−", max_size=20), size=st.integers(8, 40))
@settings(max_examples=40)
def test_runs_are_as_wide_as_their_characters_at_any_size(text: str, size: int) -> None:
    glyphs = Glyphs()
    run = glyphs.run(text, Face.TEXT, size)
    assert run.width == pytest.approx(glyphs.width(text, Face.TEXT, 1) * size)
    assert len(run.quads) == len(text.replace(" ", ""))
    assert (run.quads == np.rint(run.quads)).all(), "whole pixels and texels"
    assert (run.quads[:, 2:4] - run.quads[:, :2] == run.quads[:, 6:] - run.quads[:, 4:6]).all(), "not stretched"


def test_capitals_stand_on_the_baseline(glyphs: Glyphs) -> None:
    quad = glyphs.run("H", Face.TEXT, 11).quads[0]
    assert quad[3] == 0
    assert _texels(glyphs, quad).max() > 200
    assert (_texels(glyphs, quad)[-1] > 0).any()


def test_a_glyph_moves_by_quarters_of_a_pixel(glyphs: Glyphs) -> None:
    """The centre of ink of the same letter, in runs that begin with spaces of other widths."""
    centres = []
    for text in ("i", "ii", "iii", "iiii", "iiiii"):
        quad = glyphs.run(text, Face.TEXT, 13).quads[-1]
        ink = _texels(glyphs, quad).astype(float).sum(axis=0)
        centres.append(quad[0] + (ink @ (np.arange(len(ink)) + 0.5)) / ink.sum())
    assert np.diff(centres) == pytest.approx(glyphs.width("i", Face.TEXT, 13), abs=0.26)


def test_glyphs_do_not_overlap_in_the_atlas() -> None:
    glyphs = Glyphs()
    quads = np.concatenate([glyphs.run(NEEDED, face, size).quads for face in Face for size in (11, 13)])
    taken = np.zeros(glyphs.coverage.shape, int)
    for s0, t0, s1, t1 in {tuple(quad) for quad in quads[:, 4:].astype(int).tolist()}:
        taken[t0:t1, s0:s1] += 1
    assert taken.max() == 1
    assert not glyphs.coverage[taken == 0].any()


def test_the_atlas_grows_and_keeps_what_it_has() -> None:
    glyphs = Glyphs()
    first = glyphs.run("weight", Face.MONO, 13)
    before = [_texels(glyphs, quad).copy() for quad in first.quads]
    for size in range(30, 70, 10):
        glyphs.run(NEEDED, Face.TEXT, size)
    assert len(glyphs.coverage) > 512
    assert all((_texels(glyphs, quad) == was).all() for quad, was in zip(first.quads, before, strict=True))


def test_a_full_atlas_starts_over_between_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.render import glyphs as module

    monkeypatch.setattr(module, "LARGEST", 512)
    glyphs = Glyphs()
    for size in (20, 23, 26, 29, 32, 35):
        glyphs.start_frame()
        run = glyphs.run(string.ascii_letters, Face.TEXT, size)
        assert all(_texels(glyphs, quad).any() for quad in run.quads)


@given(text=st.text(string.ascii_letters + "._", min_size=1, max_size=80), width=st.floats(30, 400))
@settings(max_examples=60)
def test_elided_text_fits_and_keeps_both_ends(text: str, width: float) -> None:
    glyphs = Glyphs()
    short = glyphs.elided(text, Face.MONO, 13, width)
    assert glyphs.width(short, Face.MONO, 13) <= width
    if short != text:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)
        assert glyphs.width(text, Face.MONO, 13) > width


def test_a_megabyte_of_name_is_elided_at_once(glyphs: Glyphs) -> None:
    assert len(glyphs.elided("x" * 1_000_000, Face.MONO, 13, 200)) < 40


def test_wrapping_breaks_between_words_and_elides_long_ones(glyphs: Glyphs) -> None:
    lines = glyphs.wrapped(f"one two three {'four' * 30} five", Face.TEXT, 13, 100)
    assert lines[0] == "one two three"
    assert "…" in lines[1]
    assert lines[2] == "five"
    assert all(glyphs.width(line, Face.TEXT, 13) <= 100 for line in lines)
    assert glyphs.wrapped("", Face.TEXT, 13, 100) == []
