"""What drives hue and opacity of a translucent volume beside its values (aesthetic; methods.md §8, §11).

Arrays are [z, y, x] = [depth, rows, columns]; a tint is the colour of a voxel at full brightness.
"""

from __future__ import annotations

import numpy as np

from nnscope.compute.pca.components import pca, score_limits, scores_to_rgb

STEEPEST = 0.99  # quantile of the gradients' sizes that is fully saturated
_SAMPLE = 64  # depths that tell it
_HUES = 256


def gradient_tints(values: np.ndarray) -> np.ndarray:
    """Hue: direction of the gradient across each depth, atan2(∂y, ∂x); saturation: its size. uint8, [z, y, x, 3].

    Central differences, one-sided at the edges. Red points to greater x (right), chartreuse to greater y (down), cyan
    and violet away from there; white is flat.
    """
    every = max(1, len(values) // _SAMPLE)
    sizes = np.concatenate([np.hypot(*_slopes(plane)).ravel() for plane in values[::every]])
    steep = float(np.quantile(sizes, STEEPEST)) if sizes.size else 0.0
    steep = steep or float(sizes.max(initial=0.0)) or 1.0
    tints = np.empty((*values.shape, 3), np.uint8)
    wheel = _wheel()
    for plane, out in zip(values, tints, strict=True):
        down, right = _slopes(plane)
        place = np.floor(np.arctan2(down, right) / (2 * np.pi) * _HUES).astype(np.int64) % _HUES
        saturation = np.minimum(np.hypot(down, right) / steep, 1.0)[..., None]
        out[:] = np.rint(255 * (1 - saturation * (1 - wheel[place])))
    return tints


def component_tints(values: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
    """Colours of the first three principal components over the depths, and the share of variance that each explains.

    One colour for each row and column, uint8 [1, y, x, 3]: the depths at a place are its features, as channels of a
    feature map are.
    """
    depth, rows, cols = values.shape
    found = pca(values.reshape(depth, -1).T, min(3, depth))
    colours = scores_to_rgb(found.scores, score_limits(found.scores))
    tints = np.full((rows * cols, 3), 255, np.uint8)
    tints[:, : colours.shape[1]] = colours
    return tints.reshape(1, rows, cols, 3), tuple(float(share) for share in found.explained_ratio)


def depth_norms(values: np.ndarray) -> np.ndarray:
    """Euclidean norm of each depth over the largest: float32 (depths,); ones where all is 0."""
    most = float(max(values.max(initial=0.0), -values.min(initial=0.0))) or 1.0
    norms = np.array([np.sqrt(np.square(plane / most, dtype=np.float64).sum()) for plane in values])
    largest = norms.max(initial=0.0)
    return np.asarray(norms / largest if largest > 0 else np.ones(len(values)), np.float32)


def _slopes(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Differences down the rows and along the columns, per voxel; 0 along a side of one voxel."""
    down, right = (
        np.gradient(plane, axis=axis) if plane.shape[axis] > 1 else np.zeros_like(plane) for axis in range(2)
    )
    return down, right


def _wheel() -> np.ndarray:
    """Pure colours around the wheel from red on, (`_HUES`, 3) in [0, 1]."""
    hue = 6 * (np.arange(_HUES) + 0.5)[:, None] / _HUES
    return np.asarray(np.clip(np.abs((hue + np.array((0, 4, 2))) % 6 - 3) - 1, 0, 1))
