"""Gaussians drawn as splats into a picture: projected, then summed, their largest, or outlines (methods.md §13).

The projection is that of `nnscope.fields.projection`, and its like without perspective. A Gaussian ends at the cut-off
r, so a largest value lacks at most max|w|·e^(−r²/2), and a sum Σ|w|·e^(−r²/2) over those that would reach the pixel.
Threads draw bands of rows: no two write to one place, and results are the same each time.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from nnscope.arrays.buffers import Buffers
from nnscope.compute.parts import for_each, slices
from nnscope.compute.space.perspective import eye
from nnscope.compute.space.transfer import mean_side

if TYPE_CHECKING:
    from nnscope.core.frame import Rect
    from nnscope.core.space import Camera3D
    from nnscope.core.splats import SplatPicture

NEAR = 1.0  # cells before the eye from which on Gaussians are seen
_BANDS = 4  # of a picture, each drawn by one thread
_SAMPLE = 1024  # Gaussians that tell where the bands end
_MANY = 8192  # Gaussians that a thread projects at a time


def splat_image(
    shown: SplatPicture, camera: Camera3D, picture: Rect, quality: int = 1, buffers: Buffers | None = None
) -> np.ndarray:
    """What the Gaussians give each texel of ``quality`` pixels a side, float32 [v, u]; 0 where there are none.

    It may lie in ``buffers``, where there are any: then it is there until the next picture.
    """
    buffers = buffers or Buffers()
    image = _without_trails(shown, camera, picture, quality, buffers)
    return image if shown.trails is None else _with_trails(image, shown, _table(shown, camera, picture, quality))


def _without_trails(shown: SplatPicture, camera: Camera3D, picture: Rect, quality: int, buffers: Buffers) -> np.ndarray:
    how = shown.how
    size = -(-picture.w // quality), -(-picture.h // quality)
    by_value = how.colour == "density" and not how.outlines
    splats = projected(shown, camera, picture, quality, how.mode if by_value else "max", buffers)
    if by_value and how.mode == "alpha":
        return blended(splats[_from_front(shown, camera, picture)], size, how.cutoff)
    if by_value:
        return values_of(splats, size, how.mode, how.cutoff, buffers)
    owners = owners_of(splats, size, how.cutoff, how.outlines)
    found: np.ndarray = np.append(colours_of(shown), 0.0).astype(np.float32)[owners]  # −1 is the last
    return found


def _with_trails(image: np.ndarray, shown: SplatPicture, seen: np.ndarray) -> np.ndarray:
    """Paths of the centres over a picture, those of the largest amplitudes last; ``seen`` is the camera's table."""
    from nnscope.arrays.kernels.traces import trace

    assert shown.trails is not None
    order = np.argsort(np.abs(shown.weights), kind="stable")
    at = shown.trails[order] @ seen[:3].T + seen[3]  # [n, t, (right, down, ahead)]
    focal, near, parallel = seen[4]
    ahead = np.where(at[..., 2:] > near, at[..., 2:], np.nan)
    places = (focal if parallel else focal / ahead) * at[..., :2] + seen[5, :2]
    trace(np.ascontiguousarray(places), colours_of(shown)[order].astype(np.float32), image)
    return image


def colours_of(shown: SplatPicture) -> np.ndarray:
    """What tells the colour of each Gaussian where it has one of its own, less the offset: float64 (n,)."""
    return shown.errors if shown.how.colour == "error" and shown.errors is not None else shown.weights


def _from_front(shown: SplatPicture, camera: Camera3D, picture: Rect) -> np.ndarray:
    """The order of the Gaussians' middles from the eye on."""
    return np.argsort(shown.means @ eye(camera, shown.bounds, picture).ahead, kind="stable")


def projected(
    shown: SplatPicture,
    camera: Camera3D,
    picture: Rect,
    quality: int = 1,
    mode: str = "max",
    buffers: Buffers | None = None,
) -> np.ndarray:
    """The Gaussians as a camera sees them, in pixels of ``quality`` device pixels a side.

    Their weights are peaks along rays, or for sums in space integrals through their middles. What is found lies in
    ``buffers``, if there are any.

    Returns
    -------
    ndarray of float64, shape (n, 6)
        As `nnscope.arrays.kernels.splats` has them; a weight of 0 for those that are not seen.
    """
    from nnscope.arrays.kernels.splats import NUMBERS, project

    out = (buffers or Buffers()).take("projected", (len(shown.weights), NUMBERS), np.float64)
    parts = slices(len(shown.weights), _MANY)
    seen = _table(shown, camera, picture, quality)
    if mode == "sum" and shown.layout.depth:
        seen[5, 2] = 1 / mean_side(shown.layout.volume_shape)
    data = shown.means, shown.factors, shown.weights, seen
    for_each(lambda i: project(*data, (parts[i].start, parts[i].stop), out), len(parts))
    return out


def values_of(
    splats: np.ndarray, size: tuple[int, int], mode: str, cutoff: float, buffers: Buffers | None = None
) -> np.ndarray:
    """Sums or largest values of projected Gaussians in a picture (width, height): float32 [v, u].

    Of signed weights the largest magnitude counts, with its sign. What is found lies in ``buffers``, if there are any.
    """
    from nnscope.arrays.kernels.splats import BAND, PAD, draw

    buffers = buffers or Buffers()
    starts, ordered = _in_bands(splats, size, cutoff, buffers)
    signed = mode == "max" and bool(splats[:, 5].min(initial=0.0) < 0)
    out = buffers.take("pictures", (1 + signed, size[1] * (size[0] + PAD)), np.float32)
    out.fill(0)

    def work(band: int) -> None:
        some, span = ordered[starts[band] : starts[band + 1]], (band * BAND, min((band + 1) * BAND, size[1]))
        draw(some, cutoff**2, mode == "max", span, size[0], out)

    for_each(work, len(starts) - 1)
    if signed:
        np.copyto(out[0], -out[1], where=out[1] > out[0])
    values = buffers.take("values", size[::-1], np.float32)
    np.copyto(values, out[0].reshape(size[1], -1)[:, : size[0]])
    return values


def _in_bands(
    splats: np.ndarray, size: tuple[int, int], cutoff: float, buffers: Buffers
) -> tuple[np.ndarray, np.ndarray]:
    """The Gaussians that reach each band of rows, neighbours after one another: those of band b from starts[b] on."""
    from nnscope.arrays.kernels.splats import cells, find_reach, put_in_order

    parts = [(part.start, part.stop) for part in slices(len(splats), _MANY)] or [(0, 0)]
    bands, columns = cells(size)
    counts, reach = np.zeros((len(parts), bands * columns), np.int64), buffers.take("reach", (len(splats), 3), np.int32)
    for_each(lambda i: find_reach(splats, cutoff**2, size, parts[i], reach, counts[i]), len(parts))
    ends = counts.T.cumsum().reshape(-1, len(parts)).T  # [part, cell]: in a cell, one part after another
    places, many = np.ascontiguousarray(ends - counts), int(counts.sum())
    starts = np.append(places[0, ::columns], many)  # before they move on
    ordered = buffers.take("ordered", (many, splats.shape[1]), np.float64)
    for_each(lambda i: put_in_order(splats, columns, parts[i], reach, places[i], ordered), len(parts))
    return starts, ordered


def blended(splats: np.ndarray, size: tuple[int, int], cutoff: float) -> np.ndarray:
    """Weights of projected Gaussians, given from front to back, each over those behind: float32 [v, u]."""
    from nnscope.arrays.kernels.splats import blend

    out, clear = np.zeros(size[::-1]), np.ones(size[::-1])
    spans, peak = _bands(splats, size[1]), float(np.abs(splats[:, 5]).max(initial=0.0)) or 1.0
    for_each(lambda i: blend(splats, cutoff**2, peak, spans[i], out, clear), len(spans))
    return out.astype(np.float32)


def _bands(splats: np.ndarray, height: int) -> list[tuple[int, int]]:
    """Bands of rows with about as many Gaussians in each; a few of them, as each looks at all Gaussians."""
    some = np.clip(splats[:: max(1, len(splats) // _SAMPLE), 1], 0, height)
    cuts = np.quantile(some, np.arange(1, _BANDS) / _BANDS).astype(int).tolist() if len(some) else []
    edges = [0, *cuts, height]
    return [(top, end) for top, end in itertools.pairwise(edges) if top < end]


def owners_of(splats: np.ndarray, size: tuple[int, int], cutoff: float, outlines: bool = False) -> np.ndarray:
    """Which Gaussian gives each pixel most, or has its outline at 1σ there: int32 [v, u]; −1 for none."""
    from nnscope.arrays.kernels.splats import outline, own

    strengths, owners = np.zeros(size[::-1]), np.full(size[::-1], -1, np.int32)
    spans = _bands(splats, size[1])

    def work(i: int) -> None:
        if outlines:
            outline(splats, spans[i], strengths, owners)
        else:
            own(splats, cutoff**2, spans[i], strengths, owners)

    for_each(work, len(spans))
    return owners


def shares_at(splats: np.ndarray, u: float, v: float, cutoff: float) -> np.ndarray:
    """What each of the projected Gaussians gives at a position of the picture, float64 (n,)."""
    du, dv = u - splats[:, 0], v - splats[:, 1]
    m = splats[:, 2] * (du + splats[:, 3] * dv) ** 2 + splats[:, 4] * dv**2
    return np.asarray(np.where(m <= cutoff**2, splats[:, 5] * np.exp(-0.5 * m), 0.0))


def _table(shown: SplatPicture, camera: Camera3D, picture: Rect, quality: int) -> np.ndarray:
    """The camera as `nnscope.arrays.kernels.splats.project` takes it."""
    seen = eye(camera, shown.bounds, picture)
    rotation = np.stack([seen.right, seen.down, seen.ahead])
    scale = seen.scale * quality
    focal = 1 / scale if seen.parallel else float((seen.centre - seen.position) @ seen.ahead) / scale
    start = seen.centre if seen.parallel else seen.position
    middle = (seen.middle[0] / quality, seen.middle[1] / quality, 0.0)
    return np.stack([*rotation, -rotation @ start, (focal, NEAR, float(seen.parallel)), middle])
