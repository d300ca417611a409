"""Row ``field-quality``: what fits find and keep (methods.md §13). Figures are counts and dB, not times.

- Recovery: 8 known, well-separated Gaussians in 48³, in 100 seeds: all means within 0.1 voxel, matched by the Hungarian
  method.
- A made-up neuron of 64³, written as TIFF and read again: 60 views on three rings, 10 of them held out.
- A map of the demo CNN in an eighth of its float32 bytes.
- Steps to 30 dB from the octree against a random start.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

from nnscope.core.errors import Cancelled
from nnscope.fields import FitSettings, Lattice, ViewSettings, evaluate_lattice, fit
from nnscope.fields.compression import spectral_flatness
from nnscope.fields.starts import WEIGHINGS
from tests.benchmarks.measure import Goal, Result
from tests.fields.fields import separated
from tests.fields.neurites import neurites, write_neurites

if TYPE_CHECKING:
    from nnscope.fields.record import Step

SEEDS = 100


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    return [
        _recovery(10 if quick else SEEDS),
        *_views(64, 300 if quick else 1000),
        *_activation(300 if quick else 1500),
        _lead(),
    ]


def _figure(what: str, value: float, goal: Goal | None, unit: str, note: str) -> Result:
    return Result("field-quality", what, value, None, value, value, value, goal, unit, note)


def _recovery(seeds: int) -> Result:
    errors = []
    for seed in range(seeds):
        known = separated(seed)
        volume = evaluate_lattice(known, Lattice.of(known.shape), 8.0)
        settings = FitSettings(gaussians=len(known), steps=150, start="peaks", adapt_every=0, seed=seed)
        found = fit(volume, settings).field
        distance = np.linalg.norm(found.means[:, None] - known.means, axis=2)
        rows, columns = linear_sum_assignment(distance)
        errors.append(distance[rows, columns].max() if len(rows) == len(known) else np.inf)
    found_all = 100 * float(np.mean(np.array(errors) < 0.1))
    note = f"{seeds} seeds; worst {max(errors):.2g} voxels, median {np.median(errors):.2g}"
    return _figure("8 Gaussians in 48³ recovered", found_all, Goal(95, at_least=True), "%", note)


def _views(side: int, steps: int) -> list[Result]:
    import tifffile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neuron.tif"
        write_neurites(path, side)
        volume = tifffile.imread(path)
    found = fit(volume, FitSettings(gaussians=1000, steps=steps), views=ViewSettings())
    note = f"{len(found.field)} Gaussians, {found.field.nbytes} bytes, {found.seconds:.1f} s; training {found.psnr:.2f}"
    return [
        _figure(f"neuron {side}³, held-out views", found.psnr_heldout, Goal(30, at_least=True), "dB", note),
        _figure("training less held-out", found.gap, Goal(1), "dB", "50 and 10 of 60 views"),
    ]


def _activation(steps: int) -> list[Result]:
    """The strongest channel after the first block: of a digit as it is, 8 × 8, and drawn larger, bilinearly."""
    results = []
    for times in (1, 8, 16):
        values = _strongest_map(times)
        count = max(1, values.nbytes // 8 // 24)
        found = fit(values, FitSettings(gaussians=count, steps=steps))
        gain = -10 * np.log10(spectral_flatness(values))
        note = f"{found.field.nbytes} of {values.nbytes} bytes; a smooth code gains at most {gain:.1f} dB"
        what = "map of the demo CNN, {}×{}".format(*values.shape)
        results.append(_figure(what, found.psnr, Goal(35, at_least=True), "dB", note))
    return results


def _strongest_map(times: int) -> np.ndarray:
    import torch
    from nnscope_plugins.digits.cnn import DigitsCnn
    from nnscope_plugins.digits.data import samples
    from nnscope_plugins.digits.weights import load_weights

    model = load_weights(DigitsCnn(), "digits-cnn").eval()
    image = samples().load(3)[0]
    with torch.no_grad():
        larger = torch.nn.functional.interpolate(image, scale_factor=times, mode="bilinear") if times > 1 else image
        maps = model.block1(model.stem(larger))[0].numpy()
    return np.ascontiguousarray(maps[np.square(maps).sum(axis=(1, 2)).argmax()])


def _lead() -> Result:
    volume = neurites(48)

    def steps(start: str) -> int:
        def watch(step: Step) -> None:
            if step.psnr >= 30:
                raise Cancelled

        settings = FitSettings(gaussians=400, steps=400, adapt_every=0)
        return len(fit(volume, replace(settings, start=start), watch=watch).steps)

    octree, anywhere = steps("octree") + WEIGHINGS, steps("random")
    note = f"{octree} steps against {anywhere}, neuron of 48³"
    return _figure("steps to 30 dB, octree over random", octree / anywhere, Goal(1 / 5), "", note)
