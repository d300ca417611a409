"""The legend of a pane: what its colours mean, in numbers, on screen and in every export.

A column on the right of the picture; in a small pane the essentials in a strip below it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.frame import Rect
from nnscope.render.overlay import aligned
from nnscope.render.scale import brief, scale_ticks

if TYPE_CHECKING:
    from nnscope.core.frame import Colour, ColourStyle, PaneFrame, Theme
    from nnscope.core.legend import Legend, Normalisation
    from nnscope.render.overlay import Overlay

COLUMN = 144  # logical pixels
_LINE = 16
_TINT = 0.1  # of a badge's ground
_HEADING = 72  # of the scale, with the bar's caps and what is left free below
_BAR = (64, 208)  # least and greatest length of the bar
_NAMES = {"minmax": "min–max", "zscore": "z-score", "robust": "robust z-score"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of the legend, with a swatch of the colour it explains, if it does."""

    text: str
    swatch: Colour | None = None


def has_column(pane: PaneFrame, scale: float) -> bool:
    """Whether there is room for a column on the right of the picture."""
    return pane.rect.x + pane.rect.w - pane.picture.x - pane.picture.w >= round(COLUMN * scale)


def legend_rect(pane: PaneFrame, scale: float) -> Rect:
    """Where the legend is drawn: the right margin, or in a small pane the lower part of the bottom margin."""
    picture, right, bottom = pane.picture, pane.rect.x + pane.rect.w, pane.rect.y + pane.rect.h
    if has_column(pane, scale):
        x = picture.x + picture.w + round(16 * scale)
        y = pane.rect.y + round(16 * scale)
        return Rect(x, y, max(0, right - round(12 * scale) - x), max(0, bottom - round(8 * scale) - y))
    x, y = pane.rect.x + round(8 * scale), picture.y + picture.h + round(20 * scale)
    return Rect(x, y, max(0, right - round(8 * scale) - x), max(0, bottom - round(4 * scale) - y))


def draw_legend(overlay: Overlay, pane: PaneFrame) -> None:
    """Add the legend of ``pane``, if it has one."""
    if pane.legend is None:
        return
    place = legend_rect(pane, overlay.scale)
    if has_column(pane, overlay.scale):
        _column(overlay, pane, pane.legend, place)
    else:
        _strip(overlay, pane, pane.legend, place)


def facts(legend: Legend, style: ColourStyle | None) -> list[Fact]:
    """The lines below the colour bar."""
    lines = [Fact(legend.reduction or f"level {legend.level}")]  # "mean of 8×8" tells the level too
    if legend.normalisation is not None:
        lines.append(Fact(f"clipped {share(legend.clipped)}"))
    counts = (("NaN", legend.nan, "nan"), ("+Inf", legend.posinf, "posinf"), ("−Inf", legend.neginf, "neginf"))
    for name, count, field in counts:
        if count:
            lines.append(Fact(f"{name}  {count:,}".replace(",", "\u00a0"), getattr(style, field, None)))
    return lines


def domain_text(norm: Normalisation) -> str:
    """The domain; the formula of a tanh, which leaves nothing outside."""
    if _boundless(norm):
        shifted = f"(x {'−' if norm.shift > 0 else '+'} {brief(abs(norm.shift))})" if norm.shift else "x"
        return f"tanh({shifted} / {brief(norm.scale)})"
    low, high = norm.domain
    return f"{brief(low)} … {brief(high)}"


def _boundless(norm: Normalisation) -> bool:
    return norm.function == "tanh" and norm.lo <= -1 and norm.hi >= 1


def share(part: float) -> str:
    """A share in per cent; a small one is never rounded to nothing."""
    percent = 100 * part
    if percent == 0 or percent >= 99.995:
        return f"{percent:.0f} %"
    return f"{percent:.2f} %" if percent >= 0.01 else "< 0.01 %"


def badge(legend: Legend, theme: Theme) -> tuple[str, Colour] | None:
    """The word and colour of the badge."""
    if legend.scientific:
        return "SCIENTIFIC", theme.scientific
    return None if legend.faithful else ("AESTHETIC", theme.aesthetic)


def draw_badge(overlay: Overlay, legend: Legend, x: int, y: int) -> int:
    """Add the badge with its left edge at ``x``; its width is returned, 0 when there is none."""
    what = badge(legend, overlay.theme)
    if what is None:
        return 0
    word, colour = what
    width, height = badge_width(overlay, legend), overlay.px(20)
    overlay.rounded(Rect(x, y, width, height), overlay.px(4), colour, _TINT)
    overlay.text(word, x + overlay.px(8), y + overlay.px(14), replace(overlay.strong, colour=colour))
    return width


def badge_width(overlay: Overlay, legend: Legend) -> int:
    """Width of the badge; 0 when there is none."""
    what = badge(legend, overlay.theme)
    return 0 if what is None else round(overlay.width(what[0], overlay.strong)) + overlay.px(16)


def _column(overlay: Overlay, pane: PaneFrame, legend: Legend, place: Rect) -> None:
    """Down to the picture's lower edge; only when there is much to say further up and then further down."""
    px, line = overlay.px, overlay.px(_LINE)
    lines = facts(legend, pane.style)
    head = px(28) if badge(legend, overlay.theme) else 0
    scaled = legend.normalisation is not None and pane.style is not None
    least, greatest = (px(_HEADING + size) if scaled else 0 for size in _BAR)
    notes = _notes(overlay, legend, place.w, (place.h - head - least - line * len(lines)) // line)
    fixed = head + line * (len(lines) + len(notes))
    bottom = pane.picture.y + pane.picture.h
    bar = min(max(bottom - place.y - fixed, least), greatest)
    y = max(bottom - fixed - bar, place.y)
    draw_badge(overlay, legend, place.x, y)
    if scaled:
        _scale(overlay, legend, pane.style, Rect(place.x, y + head, place.w, bar))
    y += head + bar
    for fact in lines:
        _fact(overlay, fact, place.x, y, place.w)
        y += line
    for note in notes:
        overlay.text(note, place.x, y + px(12), overlay.small)
        y += line


def _notes(overlay: Overlay, legend: Legend, width: int, most: int) -> list[str]:
    """The notes in at most ``most`` lines, marked where they are cut."""
    style = overlay.small
    lines = [row for note in legend.notes for row in overlay.glyphs.wrapped(note, style.face, style.size, width)]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], "…"] if most > 0 else []


def _scale(overlay: Overlay, legend: Legend, style: ColourStyle | None, place: Rect) -> None:
    """Heading, domain, and the bar between its caps."""
    norm, px = legend.normalisation, overlay.px
    assert norm is not None
    assert style is not None
    overlay.text(_NAMES.get(norm.name, norm.name), place.x, place.y + px(12), overlay.strong)
    overlay.text(domain_text(norm), place.x, place.y + px(28), overlay.normal, place.w)
    overlay.text(legend.unit, place.x, place.y + px(44), overlay.small, place.w)
    cap, gap, width = px(6), max(1, px(2)), px(16)
    top = place.y + px(56)
    bar = Rect(place.x, top + cap + gap, width, place.y + place.h - px(12) - top - 2 * (cap + gap))
    overlay.rect(Rect(bar.x, top, width, cap), style.over)
    overlay.rect(Rect(bar.x, bar.y + bar.h + gap, width, cap), style.under)
    overlay.ramp(bar, style.lut[:, :3], upwards=True)
    if legend.opacity:
        half = bar.w // 2
        seen = over_ground(style.lut[:, :3], legend.opacity, overlay.theme.ground)
        overlay.ramp(Rect(bar.x + half, bar.y, bar.w - half, bar.h), seen, upwards=True)
    _bar_ticks(overlay, norm, bar)


def over_ground(colours: np.ndarray, opacity: tuple[float, ...], ground: Colour) -> np.ndarray:
    """Colours (n, 3) as they are seen over the ground through a mean side of the volume: uint8."""
    share = np.array(opacity)[:, None]
    return np.asarray(np.round(share * colours + (1 - share) * np.array(ground)), np.uint8)


def _bar_ticks(overlay: Overlay, norm: Normalisation, bar: Rect) -> None:
    px = overlay.px
    for u, label in scale_ticks(norm, bar.h, px(24)):
        y = bar.y + bar.h - 1 - round(u * (bar.h - 1))
        x = bar.x + bar.w
        overlay.rect(Rect(x + px(2), y, px(4), max(1, px(1))), overlay.theme.secondary)
        overlay.text(label, x + px(10), y + px(4), overlay.normal)


def _fact(overlay: Overlay, fact: Fact, x: int, y: int, width: int) -> None:
    px = overlay.px
    indent = 0
    if fact.swatch is not None:
        overlay.rounded(Rect(x, y + px(3), px(10), px(10)), px(2), fact.swatch)
        indent = px(16)
    overlay.text(fact.text, x + indent, y + px(12), overlay.normal, width - indent)


def _strip(overlay: Overlay, pane: PaneFrame, legend: Legend, place: Rect) -> None:
    """A flat bar, the ends of its domain, and the facts in one line."""
    px, norm, style = overlay.px, legend.normalisation, pane.style
    y = place.y
    if norm is not None and style is not None:
        overlay.ramp(Rect(place.x, y, place.w, px(6)), style.lut[:, :3], upwards=False)
        _strip_ends(overlay, norm, replace(place, y=y + px(18)))
        y += px(22)
    overlay.text(_fitting(overlay, facts(legend, style), place.w), place.x, y + px(10), overlay.small, place.w)


def _strip_ends(overlay: Overlay, norm: Normalisation, place: Rect) -> None:
    """Both ends of the domain; the formula where there are none."""
    if _boundless(norm):
        middle = aligned(overlay.normal, "centre")
        overlay.text(domain_text(norm), place.x + place.w / 2, place.y, middle, place.w)
        return
    low, high = map(brief, norm.domain)
    half = (place.w - overlay.px(8)) / 2
    overlay.text(low, place.x, place.y, overlay.normal, half)
    overlay.text(high, place.x + place.w, place.y, aligned(overlay.normal, "right"), half)


def _fitting(overlay: Overlay, lines: list[Fact], width: int) -> str:
    """As many facts in one line as fit, and at least the first."""
    text = lines[0].text
    for line in lines[1:]:
        longer = f"{text} · {line.text}"
        if overlay.width(longer, overlay.small) > width:
            return f"{text} …"
        text = longer
    return text
