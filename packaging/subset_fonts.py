#!/usr/bin/env python3
"""Cuts the canvas fonts of `assets/fonts` out of the full typefaces: run once, when a typeface or the text changes.

Needs fontTools, and the full fonts (Debian packages ``fonts-inter`` and ``fonts-jetbrains-mono``). Kept are Latin-1,
Greek, arrows, mathematical signs and block elements. Canvas text is set glyph by glyph, without OpenType features, so
tabular figures (``tnum``) become the figures proper: numbers line up by themselves.

    python packaging/subset_fonts.py /usr/share/fonts
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parents[1] / "assets" / "fonts"

FONTS = {
    "Inter-Regular.otf": "opentype/inter/Inter-Regular.otf",
    "Inter-SemiBold.otf": "opentype/inter/Inter-SemiBold.otf",
    "JetBrainsMono-Regular.ttf": "truetype/jetbrains-mono/JetBrainsMono-Regular.ttf",
}

RANGES = ((0x20, 0x7E), (0xA0, 0xFF), (0x391, 0x3A9), (0x3B1, 0x3C9), (0x2070, 0x208E), (0x2581, 0x2588))
SIGNS = "–—‘’“”•…′″‖←↑→↓↔∂∆∇∈∏∑−√∞∫≈≠≤≥⊙⊗■□▲▼◀▶●○"


def wanted() -> set[int]:
    """The code points that are kept where the typeface has them."""
    return {code for first, last in RANGES for code in range(first, last + 1)} | set(map(ord, SIGNS))


def use_tabular_figures(font: TTFont) -> None:
    """Point the characters 0–9 and the signs between them at their tabular forms."""
    table = font["GSUB"].table if "GSUB" in font else None
    if table is None:
        return
    lookups = {i for r in table.FeatureList.FeatureRecord if r.FeatureTag == "tnum" for i in r.Feature.LookupListIndex}
    forms: dict[str, str] = {}
    for index in lookups:
        for part in table.LookupList.Lookup[index].SubTable:
            forms.update(getattr(part, "ExtSubTable", part).mapping)
    for characters in font["cmap"].tables:
        characters.cmap = {code: forms.get(glyph, glyph) for code, glyph in characters.cmap.items()}


def cut(source: Path, target: Path) -> None:
    """Write the subset of ``source`` to ``target``."""
    font = TTFont(source)
    use_tabular_figures(font)
    options = subset.Options(layout_features=[], notdef_outline=True, desubroutinize=False, name_IDs=["*"])
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted())
    cutter.subset(font)
    font.save(target)
    print(f"{target.name}: {target.stat().st_size / 1024:.0f} KiB, {len(font.getBestCmap())} characters")


def main(folder: str) -> None:
    """Cut every font found under ``folder``."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, place in FONTS.items():
        cut(Path(folder) / place, TARGET / name)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts")
