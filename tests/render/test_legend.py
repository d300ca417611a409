"""What the legend says, and that it stays in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nnscope.core.frame import DARK, LIGHT, Camera2D, PaneFrame, Rect, Theme, margins
from nnscope.core.legend import Legend, Normalisation
from nnscope.render.glyphs import Glyphs
from nnscope.render.legend import badge, domain_text, draw_legend, facts, has_column, legend_rect, share
from nnscope.render.overlay import Overlay
from tests.render import building

TANH = Normalisation("tanh", "tanh", 0.0, 0.25, -1.0, 1.0, faithful=False)
LEGEND = Legend(
    "layer.weight",
    building.linear(-0.5, 0.5),
    reduction="mean of 8×8",
    level=3,
    clipped=0.00123,
    nan=12,
    posinf=3,
    neginf=1234,
    scientific=True,
)


def _pane(rect: Rect, legend: Legend | None = LEGEND, scale: float = 1.0) -> PaneFrame:
    left, top, right, bottom = margins(rect, scale)
    picture = Rect(rect.x + left, rect.y + top, rect.w - left - right, rect.h - top - bottom)
    norm = legend.normalisation if legend else None
    placed = building.tiles(np.zeros((64, 64), np.float32))
    return PaneFrame(rect, picture, (64, 64), Camera2D(32, 32, 4), placed, norm, building.style(), legend)


def _boxes(pane: PaneFrame, scale: float = 1.0, theme: Theme = DARK) -> np.ndarray:
    overlay = Overlay(Glyphs(), theme, scale)
    draw_legend(overlay, pane)
    corners = overlay.vertices().reshape(-1, 4)["a_place"][:, [0, 3], :2]
    return corners.reshape(-1, 4)


def test_facts_say_level_clipping_and_what_is_no_number() -> None:
    lines = facts(LEGEND, building.style())
    assert [line.text for line in lines] == [
        "mean of 8×8",
        "clipped 0.12 %",
        "NaN  12",
        "+Inf  3",
        "−Inf  1\u00a0234",
    ]
    assert [line.swatch for line in lines] == [None, None, building.NAN, building.POSINF, building.NEGINF]


def test_counts_of_zero_are_not_mentioned() -> None:
    plain = Legend("x", building.linear())
    assert [line.text for line in facts(plain, building.style())] == ["level 0", "clipped 0 %"]


def test_pictures_that_are_colours_clip_nothing() -> None:
    assert [line.text for line in facts(Legend("x", None), None)] == ["level 0"]


@pytest.mark.parametrize(
    ("part", "text"),
    [(0, "0 %"), (1e-9, "< 0.01 %"), (1e-4, "0.01 %"), (0.0123, "1.23 %"), (0.9999, "99.99 %"), (1, "100 %")],
)
def test_share(part: float, text: str) -> None:
    assert share(part) == text


@pytest.mark.parametrize(
    ("norm", "text"),
    [
        (building.linear(-0.5, 0.25), "−0.5 … 0.25"),
        (TANH, "tanh(x / 0.25)"),
        (replace(TANH, shift=1.5), "tanh((x − 1.5) / 0.25)"),
        (replace(TANH, shift=-1.5), "tanh((x + 1.5) / 0.25)"),
        (replace(TANH, lo=-0.5), "−0.1373 … 3.541"),
    ],
    ids=str,
)
def test_domain_text(norm: Normalisation, text: str) -> None:
    assert domain_text(norm) == text


@pytest.mark.parametrize(
    ("scientific", "faithful", "word"),
    [(True, True, "SCIENTIFIC"), (True, False, "SCIENTIFIC"), (False, False, "AESTHETIC"), (False, True, None)],
)
def test_badge(scientific: bool, faithful: bool, word: str | None) -> None:
    found = badge(Legend("x", None, scientific=scientific, faithful=faithful), DARK)
    assert (found[0] if found else None) == word


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_badge_is_legible_on_its_own_ground(theme: Theme) -> None:
    for colour in (theme.scientific, theme.aesthetic):
        ground = tuple(0.9 * g + 0.1 * c for g, c in zip(theme.ground, colour, strict=True))
        assert _contrast(colour, ground) >= 4.5


@pytest.mark.parametrize(
    ("rect", "scale"),
    [
        (Rect(0, 0, 1280, 800), 1.0),
        (Rect(100, 50, 640, 400), 1.0),
        (Rect(0, 0, 480, 320), 1.0),
        (Rect(0, 0, 460, 340), 1.0),
        (Rect(0, 0, 200, 150), 1.0),
        (Rect(0, 0, 2560, 1600), 2.0),
        (Rect(0, 0, 400, 300), 2.0),
        (Rect(0, 0, 700, 500), 1.25),
    ],
    ids=str,
)
@pytest.mark.parametrize("legend", [LEGEND, replace(LEGEND, normalisation=TANH, scientific=False, faithful=False)])
def test_the_legend_stays_in_its_place(rect: Rect, scale: float, legend: Legend) -> None:
    pane = _pane(rect, legend, scale)
    place = legend_rect(pane, scale)
    boxes = _boxes(pane, scale)
    assert len(boxes) > 20
    badge_line = round(28 * scale) if not has_column(pane, scale) else 0
    assert boxes[:, 0].min() >= place.x - 1
    assert boxes[:, 2].max() <= place.x + place.w + 1
    assert boxes[:, 1].min() >= place.y - 1 - badge_line
    assert boxes[:, 3].max() <= place.y + place.h + 2
    picture = pane.picture
    assert place.x >= picture.x + picture.w or place.y >= picture.y + picture.h, "never over the picture"


def test_small_panes_have_a_strip() -> None:
    assert has_column(_pane(Rect(0, 0, 480, 320)), 1.0)
    assert not has_column(_pane(Rect(0, 0, 479, 320)), 1.0)
    assert not has_column(_pane(Rect(0, 0, 480, 319)), 1.0)


def test_without_a_legend_there_is_nothing() -> None:
    assert len(_boxes(_pane(Rect(0, 0, 800, 600), None))) == 0


def test_the_bar_shows_the_whole_colour_map_between_its_caps() -> None:
    overlay = Overlay(Glyphs(), DARK, 1.0)
    draw_legend(overlay, _pane(Rect(0, 0, 800, 600)))
    quads = overlay.vertices().reshape(-1, 4)
    colours = np.rint(quads["a_colour"][:, 0, :3] * 255).astype(int).tolist()
    lut = building.style().lut
    for wanted in (lut[0, :3].tolist(), lut[255, :3].tolist(), list(building.UNDER), list(building.OVER)):
        assert wanted in colours
    top = {tuple(c): quads["a_place"][i, 0, 1] for i, c in enumerate(colours)}
    order = [top[building.OVER], top[tuple(lut[255, :3])], top[tuple(lut[0, :3])], top[building.UNDER]]
    assert order == sorted(order), "large values above"


def test_notes_are_cut_where_there_is_no_room() -> None:
    legend = replace(LEGEND, notes=("A sentence that is worth a note. " * 40,))
    pane = _pane(Rect(0, 0, 640, 400), legend)
    assert _boxes(pane)[:, 3].max() <= 400


def test_notes_are_wrapped_below() -> None:
    note = "Three components explain 81 % of the variance; the others are not shown in this picture."
    assert (
        len(_boxes(_pane(Rect(0, 0, 800, 600), replace(LEGEND, notes=(note,)))))
        > len(_boxes(_pane(Rect(0, 0, 800, 600)))) + len(note.replace(" ", "")) - 2
    )


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """WCAG 2.2 contrast ratio."""

    def luminance(colour: tuple[float, ...]) -> float:
        c = np.array(colour) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
