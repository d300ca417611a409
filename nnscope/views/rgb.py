"""PCA → RGB: every place of a feature map (or every row of a matrix) coloured by its first three principal coordinates.

One axis holds the features (the setting ``features``; by default the channels of a feature map, the width of token
vectors, the inputs of a weight); the layout lays out the others, with the feature axis fixed. A place is a sample, its
features a vector. Scores are mapped to red, green and blue by their own 1-99 % quantiles, or by minimum and maximum in
scientific mode (methods.md §3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.compute.decode import to_float
from nnscope.compute.pca.components import align, pca, score_limits, scores_to_rgb
from nnscope.core.address import parse_address
from nnscope.core.answer import ProbeAnswer
from nnscope.core.errors import NnscopeError
from nnscope.core.features import feature_axis
from nnscope.core.layout import Layout, mosaic, planes
from nnscope.core.picture import TILE, State, Step, Tile, TilePicture, level_count, level_shape
from nnscope.views.cells import read_cells

if TYPE_CHECKING:
    from nnscope.core.request import BuildPicture, Probe, Settings
    from nnscope.core.tensor import TensorInfo
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import BuildContext

LIMIT = 1 << 28  # elements of the places × features matrix
COMPONENTS = 3
QUANTILES = (0.01, 0.99)


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Principal coordinates of every cell.

    Attributes
    ----------
    values : ndarray of float32, shape (rows, columns, 3)
    states : ndarray of uint8, shape (rows, columns)
        PADDING for cells without a place, NAN for places with a feature that is no finite number.
    explained : tuple of float
        Explained-variance ratio of each component.
    rank : int
    aligned : str
        Whose basis this one was turned towards; empty for none's.
    """

    values: np.ndarray
    states: np.ndarray
    explained: tuple[float, ...]
    rank: int
    aligned: str


class PcaRgb:
    """See the module docstring. Faithful: it is a stated projection with stated domains."""

    name = "rgb"
    title = "PCA colours"
    aesthetic = ""
    coloured = True

    def refuses(self, info: TensorInfo) -> str:
        """PCA needs samples and features."""
        if info.ndim < 2:
            return "PCA colours need at least two axes: places and features."
        if info.dtype.startswith("complex"):
            return "PCA colours are for real values; this tensor is complex."
        if info.size > LIMIT:
            return "This tensor is too large for PCA colours; choose the heat map."
        if 0 in info.shape:
            return "This tensor is empty."
        if info.size // info.shape[feature_axis(info)] < 2:
            return "PCA colours need at least two places to compare."
        return ""

    def layout(self, info: TensorInfo) -> Layout:
        """Places as rows and columns, the feature axis fixed."""
        return _layout(info.shape, feature_axis(info))

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """The features, of which a cell's colour is a projection."""
        return (feature_axis(info),)

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for: scores of all places, then colours of the part wanted."""
        reader = context.reader(request.address)
        scores = _scores(context, reader, request.layout, request.settings)
        quantiles = None if request.scientific else QUANTILES
        domain = score_limits(scores.values[scores.states == State.FINITE], quantiles)
        tiles = tuple(_tile(scores, domain, request.level, *at) for at in request.tiles)
        grid = request.layout.grid
        return TilePicture(
            request.address,
            self.name,
            request.layout,
            reader.info.version,
            grid,
            level_count(grid),
            request.level,
            tiles,
            "mean" if request.level else "",
            _recipe(scores, quantiles, domain),
            notes=_notes(scores),
        )

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """The coordinates of the place under the pointer."""
        reader = context.reader(request.address)
        scores = _scores(context, reader, request.layout, request.settings)
        side = 2**request.level
        row, col = request.row * side, request.col * side
        index = request.layout.index_at(row, col)
        version = reader.info.version
        if index is None or scores.states[row, col] == State.PADDING:
            return ProbeAnswer(request.address, None, None, float("nan"), None, version)
        place = tuple(float(v) for v in scores.values[row, col])
        return ProbeAnswer(request.address, index, None, float("nan"), None, version, place)


def _layout(shape: tuple[int, ...], features: int) -> Layout:
    rank = len(shape)
    if rank == 2:
        other = 1 - features
        width = int(np.ceil(np.sqrt(shape[other])))
        fixed = ((features if features < other else features + 1, 0),)
        return Layout(shape, (other,), (other + 1,), fixed, (other, width))
    if rank == 3 and features == 2:
        width = int(np.ceil(np.sqrt(shape[1])))
        return Layout(shape, (1,), (2,), ((0, 0), (3, 0)), (1, width))
    if rank == 4 and max(shape[2:]) <= 16 and shape[0] > 1 and features == 1:
        return mosaic(shape, 0)
    return planes(shape)


def _scores(context: BuildContext, reader: TensorReader, layout: Layout, settings: Settings) -> Scores:
    version = reader.info.version
    address = reader.info.address
    result: Scores = context.memo(
        ("pca", address, version, layout), lambda: _project(context, reader, layout), lambda s: s.values.nbytes
    )
    return result


def _project(context: BuildContext, reader: TensorReader, layout: Layout) -> Scores:
    features, padding = _features(reader, layout)
    kept = ~padding if padding is not None else np.ones(features.shape[:2], bool)
    context.check()
    result = pca(features[kept], COMPONENTS)
    basis: dict[str, np.ndarray] = context.memo(("pca-basis", reader.info.address, layout), dict, lambda _: 64)
    before, towards = _basis_of_first(context, reader.info.address, layout)
    if before is None:
        before, towards = basis.get("components"), "the version before"
    if before is not None and before.shape == result.components.shape:
        result = align(result, before)
    else:
        towards = ""
    basis["components"] = result.components
    values = np.zeros((*kept.shape, COMPONENTS), np.float32)
    values[kept] = result.scores
    states = np.full(kept.shape, State.PADDING, np.uint8)
    states[kept] = np.where(np.isfinite(features[kept]).all(axis=1), State.FINITE, State.NAN)
    values[states != State.FINITE] = 0
    ratios = tuple(float(r) for r in result.explained_ratio)
    return Scores(values, states, ratios, result.rank, towards)


def _basis_of_first(context: BuildContext, address: str, layout: Layout) -> tuple[np.ndarray | None, str]:
    """The components of a run's first step, to which those of all steps are turned, and its name; None elsewhere."""
    first = context.beginning(address)
    if first == address:
        return None, ""
    components = context.memo(("pca-first", first, layout), lambda: _components(context, first, layout), _size)
    return components, f"step {parse_address(first).step}"


def _components(context: BuildContext, address: str, layout: Layout) -> np.ndarray:
    """The components of another step; none where it was kept in another shape."""
    reader = context.reader(address)
    if reader.info.shape != layout.shape:
        return np.zeros((0, 0))
    features, padding = _features(reader, layout)
    return pca(features[~padding] if padding is not None else features.reshape(-1, features.shape[-1])).components


def _size(components: np.ndarray) -> int:
    return components.nbytes


def _features(reader: TensorReader, layout: Layout) -> tuple[np.ndarray, np.ndarray | None]:
    """Feature vectors [rows, columns, features] of all cells, and where there is no place."""
    axis = _feature_of(layout, reader.info)
    rows, cols = layout.grid
    merged = Layout(layout.shape, (*layout.rows, *layout.cols), (axis,), _without(layout, axis), layout.split)
    values, padding = read_cells(reader, merged, (0, rows * cols), (0, layout.virtual_shape[axis]))
    shaped = to_float(values).reshape(rows, cols, -1)
    return shaped, None if padding is None else padding[:, 0].reshape(rows, cols)


def _feature_of(layout: Layout, info: TensorInfo) -> int:
    """The feature axis in the layout's virtual numbering."""
    virtual = layout.virtual(feature_axis(info))
    if virtual not in dict(layout.fixed):
        raise NnscopeError(
            "PCA colours need the feature axis out of the picture.", info.address, "Choose the view's own layout."
        )
    return virtual


def _without(layout: Layout, axis: int) -> tuple[tuple[int, int], ...]:
    return tuple((a, i) for a, i in layout.fixed if a != axis)


def _tile(scores: Scores, domain: np.ndarray, level: int, row: int, col: int) -> Tile:
    side = TILE << level
    window = (slice(row * side, (row + 1) * side), slice(col * side, (col + 1) * side))
    values, states = scores.values[window], scores.states[window]
    for _ in range(level):
        values, states = _halve(values, states)
    rgba = np.dstack([scores_to_rgb(values, domain), np.full(states.shape, 255, np.uint8)])
    return Tile(row, col, np.zeros((0, 0), np.float32), states, np.ascontiguousarray(rgba))


def _halve(values: np.ndarray, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean score of each 2 × 2 cells, over the finite ones."""
    height, width = level_shape(states.shape, 1)
    pad = ((0, 2 * height - states.shape[0]), (0, 2 * width - states.shape[1]))
    weights = np.pad(states == State.FINITE, pad).astype(np.float32)
    filled = np.pad(values, (*pad, (0, 0))) * weights[..., None]
    count = weights.reshape(height, 2, width, 2).sum((1, 3))
    total = filled.reshape(height, 2, width, 2, -1).sum((1, 3))
    padded = np.pad(states, pad, constant_values=State.PADDING)
    odd = padded.reshape(height, 2, width, 2).min(axis=(1, 3))  # NAN before PADDING where nothing is finite
    return total / np.maximum(count, 1)[..., None], np.where(count > 0, State.FINITE, odd).astype(np.uint8)


def _recipe(scores: Scores, quantiles: tuple[float, float] | None, domain: np.ndarray) -> tuple[Step, ...]:
    spread = "minimum to maximum" if quantiles is None else f"{quantiles[0]:.0%} to {quantiles[1]:.0%} quantile"
    ranges = ", ".join(f"{lo:.4g} … {hi:.4g}" for lo, hi in domain.T)
    steps = [Step("centre", True, "the mean of each feature"), Step("PCA", True, _explained(scores))]
    if scores.aligned:
        steps.append(Step("align basis", True, f"Procrustes, to {scores.aligned}"))
    clipped = quantiles is not None
    steps.append(Step("red, green, blue", not clipped, f"{spread} of each component: {ranges}"))
    return tuple(steps)


def _notes(scores: Scores) -> tuple[str, ...]:
    notes = [_explained(scores)]
    if scores.rank < COMPONENTS:
        notes.append(f"only {scores.rank} components: the others are zero")
    if scores.aligned:
        notes.append(f"basis aligned to {scores.aligned}")
    return tuple(notes)


def _explained(scores: Scores) -> str:
    parts = " + ".join(f"{r:.1%}" for r in scores.explained)
    return f"PC1–3 explain {parts} of the variance"
