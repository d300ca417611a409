"""What a field costs and keeps of a tensor, beside other codes of as many bytes (methods.md §13).

PSNR is against the range of the values, SNR against their variance: of white weights a sum of functions with a tenth of
the numbers keeps about a tenth of the energy, 0.5 dB of SNR, and a field no more. How much a smooth code can gain at
most is told by the spectral flatness: the geometric over the arithmetic mean of the power spectrum, 1 for white noise;
the gain is 10·log₁₀(1/flatness) dB (Jayant & Noll 1984).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nnscope.fields.codes import octree_code, pyramid_code, quantised, svd_code
from nnscope.fields.evaluate import evaluate_lattice
from nnscope.fields.fitting import fit_field
from nnscope.fields.lattice import Lattice
from nnscope.fields.record import LARGEST_PSNR, psnr
from nnscope.fields.settings import FitSettings
from nnscope.fields.target import target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.fields.codes import Code
    from nnscope.fields.parameters import Gaussians
    from nnscope.fields.record import Step

_NUMBERS = {2: 6, 3: 10}  # of a Gaussian
_FLOOR = 1e-30  # of the largest power: zeros of a spectrum don't make it peaked without end


@dataclass(frozen=True, slots=True)
class CompressionRow:
    """One code.

    Attributes
    ----------
    name : str
    nbytes : int
        Bytes it used; more than asked for where it can't do with less.
    psnr, snr : float
        dB.
    """

    name: str
    nbytes: int
    psnr: float
    snr: float


@dataclass(frozen=True, slots=True)
class CompressionTable:
    """Codes of a tensor at equal bytes.

    Attributes
    ----------
    rows : tuple of CompressionRow
        The field first.
    nbytes : int
        Bytes that each was allowed.
    whole : int
        Bytes of the values as float32.
    flatness : float
        Spectral flatness in [0, 1].
    """

    rows: tuple[CompressionRow, ...]
    nbytes: int
    whole: int
    flatness: float

    @property
    def gain(self) -> float:
        """dB that a smooth code can gain at most over one that takes values singly."""
        return LARGEST_PSNR if self.flatness <= 0 else min(LARGEST_PSNR, 0.0 - 10 * math.log10(self.flatness))

    @property
    def best(self) -> CompressionRow:
        """The code of the highest SNR among those that kept to the bytes."""
        return max((row for row in self.rows if row.nbytes <= self.nbytes), key=lambda row: row.snr)

    @property
    def lost(self) -> bool:
        """Whether another code keeps more than the field."""
        return self.best is not self.rows[0]


def compression_table(
    values: np.ndarray,
    nbytes: int = 0,
    settings: FitSettings | None = None,
    watch: Callable[[Step], None] = lambda step: None,
    found: Callable[[CompressionRow], None] = lambda row: None,
) -> CompressionTable:
    """Code a tensor in several ways of at most ``nbytes`` each.

    Parameters
    ----------
    values : ndarray of two or three axes
        All finite.
    nbytes : int
        Bytes for each code; 0 for an eighth of the values as float32.
    settings : FitSettings
        Of the field; the number of Gaussians is what the bytes allow.
    watch : callable
        Called with each step of the field's fit.
    found : callable
        Called with each code as it is there.

    Raises
    ------
    NnscopeError
        If the values can't be fitted.
    """
    x = target_of(np.asarray(values), 1).values  # checked; the table is the same for any offset and scale
    most = nbytes or 4 * x.size // 8
    rows = []
    codes: dict[str, Code] = {"field": lambda values, most: _field_code(values, most, settings or FitSettings(), watch)}
    for name, code in {**codes, **CODES}.items():
        back, held = code(x, most)
        rows.append(CompressionRow(name, held, *_quality(x, back)))
        found(rows[-1])
    return CompressionTable(tuple(rows), most, 4 * x.size, spectral_flatness(x))


CODES: dict[str, Code] = {
    "octree": octree_code,
    "mip pyramid": pyramid_code,
    "truncated SVD": svd_code,
    "8-bit": quantised(8),
    "4-bit": quantised(4),
}
"""What a field is compared with."""


def spectral_flatness(values: np.ndarray) -> float:
    """Geometric over arithmetic mean of the power spectrum about the mean; 1 for a constant, which is as flat as any.

    The powers of a single sample scatter about the spectrum as an exponential distribution, whose logarithm lies γ
    (Euler's constant) too low in the mean; that is made up for (Davis & Jones 1968). The Fourier transform takes the
    tensor as periodic, so a ramp counts as less smooth than it is.
    """
    x = values.astype(np.float64)
    power = np.abs(np.fft.fftn(x - x.mean())).ravel()[1:] ** 2
    if not power.size or power.max() <= (1e-12 * max(1.0, float(np.abs(x).max(initial=0.0)))) ** 2 * x.size:
        return 1.0
    power = np.maximum(power, _FLOOR * power.max())
    return min(1.0, float(np.exp(np.log(power).mean() + np.euler_gamma) / power.mean()))


def _field_code(
    x: np.ndarray, most: int, settings: FitSettings, watch: Callable[[Step], None]
) -> tuple[np.ndarray, int]:
    count = min(max(1, most // (4 * _NUMBERS[x.ndim])), x.size)
    field: Gaussians = fit_field(x, replace(settings, gaussians=count, covariance="full"), watch).field
    values = evaluate_lattice(field, Lattice.of(x.shape), settings.cutoff)
    return values * np.float32(field.scale) + np.float32(field.offset), field.nbytes


def _quality(x: np.ndarray, back: np.ndarray) -> tuple[float, float]:
    error = np.subtract(x, back, dtype=np.float64)
    square = float(np.vdot(error, error)) / x.size
    return psnr(square, float(np.ptp(x))), psnr(square, float(x.std(dtype=np.float64)))
