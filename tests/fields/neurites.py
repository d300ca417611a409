"""A made-up neuron: branching tubes in a volume with a little noise, as a TIFF stack for whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

_STEP = 0.5  # voxels along a tube


def neurites(side: int = 64, seed: int = 0, branches: int = 9, noise: float = 0.01) -> np.ndarray:
    """Tubes of radius 1 to 2 voxels that wander and branch, their brightness in [0, 1]; float32 [z, y, x]."""
    rng = np.random.default_rng(seed)
    volume = np.zeros((side,) * 3)
    begins = [(np.full(3, side / 2), rng.normal(size=3), 2.0)]
    for _ in range(branches):
        place, towards, radius = begins[rng.integers(len(begins))]
        path = _wander(place, towards + 0.8 * rng.normal(size=3), side, rng)
        _draw(volume, path, radius)
        for at in rng.integers(len(path) // 3, len(path), 2):
            begins.append((path[at], rng.normal(size=3), max(1.0, 0.85 * radius)))
    noisy = volume + noise * rng.normal(size=volume.shape)
    return np.clip(noisy, 0, 1).astype(np.float32)


def _wander(place: np.ndarray, towards: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    path, heading = [place], towards / np.linalg.norm(towards)
    for _ in range(round(0.6 * side / _STEP)):
        heading = heading + 0.12 * rng.normal(size=3)
        heading /= np.linalg.norm(heading)
        after = path[-1] + _STEP * heading
        heading = np.where((after < 4) | (after > side - 4), -heading, heading)
        path.append(path[-1] + _STEP * heading)
    return np.array(path)


def _draw(volume: np.ndarray, path: np.ndarray, radius: float) -> None:
    """The largest of Gaussian cross-sections along a path (z, y, x)."""
    reach = int(np.ceil(3.5 * radius))
    for point in path:
        low = np.maximum(np.floor(point).astype(int) - reach, 0)
        high = np.minimum(low + 2 * reach + 1, volume.shape)
        part = volume[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        axes = np.ogrid[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        far = sum((axis + 0.5 - centre) ** 2 for axis, centre in zip(axes, point, strict=True))
        np.maximum(part, 0.9 * np.exp(-0.5 * far / radius**2), out=part)


def write_neurites(path: Path, side: int = 64, seed: int = 0) -> np.ndarray:
    """The same as a TIFF stack at ``path``; what was written."""
    import tifffile

    volume = neurites(side, seed)
    tifffile.imwrite(path, volume)
    return volume
