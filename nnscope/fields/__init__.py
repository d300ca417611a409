"""Gaussian density fields: tensors as sums of anisotropic Gaussians, direct or fitted, evaluated and projected.

Importing this package costs nothing; the names below are loaded when they are first used, PyTorch with those that fit.

- `fit` : a field of a tensor or volume, or of its maximum projections.
- `FitSettings`, `Rates`, `ViewSettings` : how.
- `Gaussians` : a field's parameters in NumPy; `GaussianField` : the same as a torch module.
- `evaluate_lattice`, `evaluate_points`, `Lattice` : its values.
- `field_of_weights`, `field_of_rows` : direct fields, a Gaussian for each weight.
- `save_field`, `load_field`, `Checkpoint` : as files.
- `fit_sequence` : a field for each of many steps of training; `fit_over_training` : all of them in one checkpoint.
- `compression_table` : what a field costs and keeps, beside other codes of as many bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnscope.fields.api import fit
    from nnscope.fields.checkpoint import Checkpoint, load_field, save_field
    from nnscope.fields.compression import compression_table
    from nnscope.fields.direct import field_of_rows, field_of_weights
    from nnscope.fields.evaluate import evaluate_lattice, evaluate_points
    from nnscope.fields.lattice import Lattice
    from nnscope.fields.module import GaussianField
    from nnscope.fields.parameters import Gaussians
    from nnscope.fields.sequence import fit_over_training, fit_sequence
    from nnscope.fields.settings import FitSettings, Rates, ViewSettings

_HOMES = {
    "Checkpoint": "checkpoint",
    "FitSettings": "settings",
    "GaussianField": "module",
    "Gaussians": "parameters",
    "Lattice": "lattice",
    "Rates": "settings",
    "ViewSettings": "settings",
    "compression_table": "compression",
    "evaluate_lattice": "evaluate",
    "evaluate_points": "evaluate",
    "field_of_rows": "direct",
    "field_of_weights": "direct",
    "fit": "api",
    "fit_over_training": "sequence",
    "fit_sequence": "sequence",
    "load_field": "checkpoint",
    "save_field": "checkpoint",
}

__all__ = [
    "Checkpoint",
    "FitSettings",
    "GaussianField",
    "Gaussians",
    "Lattice",
    "Rates",
    "ViewSettings",
    "compression_table",
    "evaluate_lattice",
    "evaluate_points",
    "field_of_rows",
    "field_of_weights",
    "fit",
    "fit_over_training",
    "fit_sequence",
    "load_field",
    "save_field",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'nnscope.fields' has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(f"nnscope.fields.{_HOMES[name]}"), name)
    return value
