"""Write assets/colour_maps.json: the colour maps that nnscope offers, as 256 sRGB entries each.

Named maps come from the cmap library (which would cost a third of a second at start-up); the default diverging map is
made here, in CIE Lab: lightness falls equally on both sides of a neutral middle, blue to the left and red to the
right, each as colourful as sRGB allows without a kink.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import cmap
import numpy as np

TARGET = Path(__file__).parents[1] / "assets" / "colour_maps.json"

# our name, cmap's name (None: made here), kind
MAPS = (
    ("blue-red", None, "diverging"),
    ("balance", "cmocean:balance", "diverging"),
    ("vik", "crameri:vik", "diverging"),
    ("berlin", "crameri:berlin", "diverging"),
    ("viridis", "bids:viridis", "sequential"),
    ("cividis", "cividis:cividis", "sequential"),
    ("batlow", "crameri:batlow", "sequential"),
    ("magma", "bids:magma", "sequential"),
    ("inferno", "bids:inferno", "sequential"),
    ("gray", "matlab:gray", "sequential"),
)
LIGHT, DARK = 96.0, 34.0  # L* of the middle and of both ends
BLUE, RED = (262.0, 286.0), (40.0, 36.0)  # hue angles in CIE Lab, degrees: near the middle, at the end
RISE = 0.85  # chroma grows as |t|^RISE: a little faster near zero, where lightness alone tells little

_TO_LINEAR = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65


def lab_to_srgb(lab: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1], or outside it when the colour is; Lab of shape (…, 3), D65."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    xyz = _WHITE * np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = xyz @ _TO_LINEAR.T
    curved = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curved)


def _most_chroma(lightness: float, hue: float) -> float:
    """The largest chroma within sRGB at this lightness and hue, by bisection."""
    low, high = 0.0, 140.0
    for _ in range(40):
        middle = (low + high) / 2
        lab = np.array([lightness, middle * math.cos(hue), middle * math.sin(hue)])
        inside = ((s := lab_to_srgb(lab)) >= 0).all() and (s <= 1).all()
        low, high = (middle, high) if inside else (low, middle)
    return low


def _lightness(size: float) -> float:
    return LIGHT - (LIGHT - DARK) * size


def _hue(side: tuple[float, float], size: float) -> float:
    return math.radians(side[0] + (side[1] - side[0]) * size)


def _slope(side: tuple[float, float]) -> float:
    """The largest factor c for which chroma c·|t|^RISE stays within sRGB all the way."""
    return min(_most_chroma(_lightness(s), _hue(side, s)) / s**RISE for s in np.linspace(0.05, 1, 96))


def blue_red() -> np.ndarray:
    """The default diverging map, uint8 (256, 3); entry i and 255 − i have the same lightness."""
    slopes = {BLUE: _slope(BLUE), RED: _slope(RED)}
    colours = []
    for i in range(256):
        t = (i - 127.5) / 127.5
        side = BLUE if t < 0 else RED
        chroma, hue = slopes[side] * abs(t) ** RISE, _hue(side, abs(t))
        lab = np.array([_lightness(abs(t)), chroma * math.cos(hue), chroma * math.sin(hue)])
        colours.append(lab_to_srgb(lab))
    return np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8)


def table(source: str | None) -> np.ndarray:
    """The 256 entries of a map, uint8 (256, 3)."""
    if source is None:
        return blue_red()
    return np.round(cmap.Colormap(source)(np.linspace(0, 1, 256))[:, :3] * 255).astype(np.uint8)


def main() -> None:
    """Write the file."""
    maps = [{"name": n, "source": s or "", "kind": k, "hex": table(s).tobytes().hex()} for n, s, k in MAPS]
    TARGET.write_text(json.dumps(maps, indent=0) + "\n")


if __name__ == "__main__":
    main()
