"""Row ``powerlaw``: the tail exponent of 2048 eigenvalues, every cut-off considered, against WeightWatcher's own fit.

Three spectra: a Pareto sample, a gamma sample, and the bulk of a random matrix with a heavy tail, as trained layers
have. The gate: the same x_min and exponents within 1e-3. A call takes less than a millisecond, so ours is the mean of
ten.
"""

from __future__ import annotations

import contextlib
import io

import numpy as np

from nnscope.compute.spectra.power_law import fit_power_law
from tests.benchmarks.measure import REPEATS, Goal, Result, compared, interleaved, missing, seconds

GOAL = Goal(1 / 100)
COUNT, CALLS = 2048, 10


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import weightwatcher
            from weightwatcher.WW_powerlaw import WWFit
    except ImportError:
        return [missing("powerlaw", "2048 eigenvalues", "WeightWatcher is not installed", GOAL)]
    lines = []
    for name, values in _spectra().items():
        theirs, ours = WWFit(values), fit_power_law(values)
        assert abs(theirs.xmin - ours.xmin) <= 1e-9 * ours.xmin, f"{name}: x_min {ours.xmin}, theirs {theirs.xmin}"
        difference = abs(theirs.alpha - ours.alpha)
        assert difference <= 1e-3 or np.isnan(ours.alpha), f"{name}: α {ours.alpha}, WeightWatcher {theirs.alpha}"
        times = interleaved(
            lambda values=values: seconds(lambda: [fit_power_law(values) for _ in range(CALLS)]) / CALLS,
            lambda values=values: seconds(lambda: WWFit(values)),
            2 if quick else REPEATS,
        )
        note = f"WeightWatcher {weightwatcher.__version__}; Δα {difference:.0e}, x_min equal"
        lines.append(compared("powerlaw", name, times, GOAL, note))
    return lines


def _spectra() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    bulk = np.linalg.svd(rng.standard_normal((COUNT - 248, 3000)), compute_uv=False) ** 2 / 3000
    tail = 4 * (1 - rng.random(248)) ** (-1 / 1.5)
    return {
        "Pareto": (1 - rng.random(COUNT)) ** (-1 / 1.5),
        "gamma": np.random.default_rng(1).gamma(2.0, size=COUNT),
        "bulk and heavy tail": np.r_[bulk, tail],
    }
