"""How a module's output follows its input, at what it is given now (methods.md §10).

The tensor is an output of a live model; the Jacobian is that of its module, output by input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnscope.views.analyses.base import Found, Method, Work
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from nnscope.core.request import Scalar
    from nnscope.core.tensor import TensorInfo


def _outputs(info: TensorInfo) -> str:
    return "" if info.kind == "output" else "This needs the output of a module of a live model."


def _module(work: Work) -> str:
    return work.reader.info.address.rpartition(":")[0]


def _sensitivity(work: Work) -> Found:
    from nnscope.compute.jacobian import EstimateOptions, sensitivity

    settings = work.settings
    options = EstimateOptions(
        relative_error=settings["relative_error"], max_samples=int(settings["max_samples"]), seed=int(settings["seed"])
    )
    with work.context.linearised(_module(work)) as linear:
        found = sensitivity(linear.vjp, linear.output_shape, options, work.progress)
    facts: dict[str, Scalar] = {
        "squared_norm": float(found.squared_norm),
        "squared_norm_error": float(found.squared_norm_error),
        "samples": int(found.samples),
        "exact": bool(found.exact),
        "converged": bool(found.converged),
    }
    return Found({"per_input": np.asarray(found.per_input), "error": np.asarray(found.per_input_error)}, facts)


def _top(work: Work) -> Found:
    from nnscope.compute.jacobian import PowerOptions, top_singular

    options = PowerOptions(max_iterations=int(work.settings["max_iterations"]), seed=int(work.settings["seed"]))
    with work.context.linearised(_module(work)) as linear:
        found = top_singular(linear.jvp, linear.vjp, linear.input_shape, options, work.progress)
    facts: dict[str, Scalar] = {
        "sigma": float(found.sigma),
        "residual": float(found.residual),
        "iterations": int(found.iterations),
        "converged": bool(found.converged),
    }
    return Found({"right": np.asarray(found.right), "left": np.asarray(found.left)}, facts)


_SEED = Setting("seed", 0, 0, 1 << 31)
METHODS = (
    Method(
        "sensitivity",
        "Sensitivity of the output to each input",
        _outputs,
        _sensitivity,
        (Setting("relative_error", 0.05, 1e-4, 1), Setting("max_samples", 1000, 1, 1_000_000), _SEED),
    ),
    Method(
        "jacobian-top",
        "Direction of the input that moves the output most",
        _outputs,
        _top,
        (Setting("max_iterations", 500, 1, 100_000), _SEED),
    ),
)
