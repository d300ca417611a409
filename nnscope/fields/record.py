"""What a fit tells of each of its steps."""

from __future__ import annotations

import math
from dataclasses import dataclass

LARGEST_PSNR = 200.0  # dB; what a perfect fit is said to have


@dataclass(frozen=True, slots=True)
class Step:
    """One step, as it was before the parameters moved.

    Attributes
    ----------
    number, total : int
    loss : float
        Mean squared error over the step's samples, with values normalised as in `Target`.
    psnr : float
        dB, of those samples.
    gradients : (float, float, float)
        Euclidean norms of the gradients by means, chol and amplitudes.
    spread : (float, float, float)
        Standard deviations over Gaussians: of positions (root of the mean variance along the axes, in cells), of
        log σ, and of the amplitudes.
    gaussians : int
    heldout : float or None
        dB of views held out, when they were last looked at; None of a fit without views.
    """

    number: int
    total: int
    loss: float
    psnr: float
    gradients: tuple[float, float, float]
    spread: tuple[float, float, float]
    gaussians: int
    heldout: float | None = None


def psnr(mean_square: float, peak: float) -> float:
    """20·log₁₀(peak/RMSE) in dB, at most `LARGEST_PSNR`; 0 where the peak is 0 and the error is not."""
    if not mean_square > 0:
        return LARGEST_PSNR
    return min(LARGEST_PSNR, 20 * math.log10(peak) - 10 * math.log10(mean_square)) if peak > 0 else 0.0
