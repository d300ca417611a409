"""The spectrum of a matrix in ``nnscope info``: as part of the document, and as cells of the table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnscope.core.answer import Spectrum
    from nnscope.tensor import Tensor

LARGEST = 16  # singular values in the document
SPECTRUM_COLUMNS = ("spectral norm", "frobenius", "stable rank", "effective rank", "alpha", "alpha ks", "alpha n")

_PRODUCT, _EIGEN = 20, 4  # multiplications per byte that takes as long to read: products of matrices, and eigenvalues


def spectrum_of(tensor: Tensor) -> Spectrum | None:
    """The spectrum of a tensor of two or more axes; None for others, and for those whose values can't be shown."""
    return tensor.singular_values(LARGEST, complete=True) if _is_matrix(tensor) else None


def spectrum_cost(tensor: Tensor) -> int:
    """How long the spectrum takes, in bytes that are read in that time; roughly."""
    if not _is_matrix(tensor):
        return 0
    short = min(tensor.shape[0], tensor.size // tensor.shape[0])
    return tensor.nbytes + tensor.size * short // _PRODUCT + short**3 // _EIGEN


def spectrum_entry(spectrum: Spectrum) -> dict[str, Any]:
    """What the document says of a spectrum."""
    return {
        "sigma": [float(value) for value in spectrum.sigma],
        "spectral_norm": float(spectrum.sigma[0]),
        "frobenius": spectrum.frobenius,
        "stable_rank": spectrum.stable_rank,
        "effective_rank": spectrum.effective_rank,
        "alpha": spectrum.alpha,
        "alpha_ks": spectrum.alpha_ks,
        "alpha_n": spectrum.alpha_n,
        "warning": "; ".join(filter(None, (spectrum.warning, spectrum.note))),
    }


def spectrum_cells(spectrum: Spectrum | None) -> tuple[str, ...]:
    """The cells under `SPECTRUM_COLUMNS`; empty where there is no number."""
    if spectrum is None:
        return ("",) * len(SPECTRUM_COLUMNS)
    entry = spectrum_entry(spectrum)
    names = [head.replace(" ", "_") for head in SPECTRUM_COLUMNS]
    return tuple("" if math.isnan(entry[name]) else f"{entry[name]:.4g}" for name in names)


def _is_matrix(tensor: Tensor) -> bool:
    return tensor.ndim >= 2 and tensor.size > 0 and not tensor.unreadable
