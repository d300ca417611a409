"""Answers to requests, and the notices an engine sends by itself. See `nnscope.core.request`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from nnscope.core.request import Settings
    from nnscope.core.tensor import TensorInfo


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Raw values of a region in the tensor's own dtype.

    Attributes
    ----------
    address : str
    values : ndarray
    version : int
        Content version of the tensor they were read from.
    """

    address: str
    values: np.ndarray
    version: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Numbers over the steps of a recorded run, in the order in which they were recorded.

    Attributes
    ----------
    address : str
        Of the tensor whose statistics they are; empty for numbers given to ``step``.
    name : str
        Of the number: a field of `TensorStats`, or what it was given as.
    steps : ndarray of int64, shape (n,)
    values : ndarray of float64, shape (n,)
    """

    address: str
    name: str
    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, slots=True)
class BlockStats:
    """Statistics of the level-0 cells under one cell of a coarser level; moments over finite values."""

    count: int
    finite: int
    mean: float
    min: float
    max: float
    std: float


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What hovering shows.

    Attributes
    ----------
    address : str
    index : tuple of int or None
        Tensor index of the cell's first element; None on padding.
    value : float, int, bool or complex
        Full-precision value of that element, as the file or model has it.
    zscore : float
        (value − mean)/std of the whole tensor; NaN when std is 0 or unknown.
    block : BlockStats or None
        Statistics of all elements under the cell, when the level is above 0.
    version : int
    scores : tuple of float
        For a PCA picture: the cell's coordinates on the components; ``value`` is None then.
    names : tuple of str
        For each axis what stands in the place of the index, such as ``3 ‘cat’``, or nothing; empty for none at all.
    """

    address: str
    index: tuple[int, ...] | None
    value: complex | float | int | bool | None
    zscore: float
    block: BlockStats | None = None
    version: int = 0
    scores: tuple[float, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """The largest singular values of a tensor matricised as out × rest (methods.md §8).

    Attributes
    ----------
    address : str
    shape : (int, int)
        Of the matrix.
    sigma : ndarray of float64, descending
    exact : bool
        Whether a full decomposition was made and not a randomized one.
    residual : float
        max_i ‖Wᵀu_i − σ_i v_i‖ / σ_1: 0 for an exact decomposition up to rounding.
    frobenius, stable_rank, effective_rank : float
        ``effective_rank`` is NaN unless the spectrum is complete.
    note : str
        What was left out, such as non-finite entries replaced by zero.
    alpha, alpha_ks : float
        Exponent of the power law in the tail of the eigenvalues σ², NaN where there is none, and the
        Kolmogorov-Smirnov distance of the tail from it.
    alpha_n : int
        Eigenvalues in the tail.
    warning : str
        Why ``alpha`` is missing or doubtful.
    """

    address: str
    shape: tuple[int, int]
    sigma: np.ndarray
    exact: bool
    residual: float
    frobenius: float
    stable_rank: float
    effective_rank: float
    note: str = ""
    alpha: float = math.nan
    alpha_ks: float = math.nan
    alpha_n: int = 0
    warning: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What a method of the compute core found.

    Attributes
    ----------
    address, method : str
    arrays : dict of str to ndarray
        By the names that the method's documentation gives.
    facts : tuple of (name, value)
        Single numbers and words, such as the settings that were used and what was left out.
    version : int
        Content version of the tensor.
    """

    address: str
    method: str
    arrays: dict[str, np.ndarray]
    facts: Settings = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class BranchRegion:
    """Where a block or a branch of one is drawn, and its norm.

    Attributes
    ----------
    path : tuple of str
        Names from the outermost part inwards.
    x, y, w, h : float
        In [0, 1], from the top left.
    depth : int
        Level of nesting, 0 for the outermost.
    norm : float
        Frobenius norm of its weights, or of its activations; ≥ 0.
    skip : bool
        Whether it is the way past its block.
    """

    path: tuple[str, ...]
    x: float
    y: float
    w: float
    h: float
    depth: int
    norm: float
    skip: bool


@dataclass(frozen=True, slots=True)
class Branches:
    """The residual structure of a model as nested rectangles.

    Attributes
    ----------
    regions : tuple of BranchRegion
        Outer parts before those inside; empty when the model adds no branches.
    activations : bool
        Whether norms are those of activations.
    traced : bool
        Whether blocks were read from the graph of operations; else from names.
    """

    regions: tuple[BranchRegion, ...]
    activations: bool
    traced: bool


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    """What a control command did, as (name, value) pairs."""

    command: str
    result: Settings = ()


@dataclass(frozen=True, slots=True)
class Changed:
    """Notice: the values of some tensors changed. ``version`` is their new content version.

    ``addresses`` empty means all of them. ``status`` carries what the model process tells: step, loss, accuracy.
    """

    version: int
    addresses: tuple[str, ...] = ()
    status: Settings = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: ``done`` of ``total`` units; total 0 when unknown."""

    done: int
    total: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Died:
    """Notice: the engine behind this source is gone (model process killed or crashed); ``reason`` is a sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Grown:
    """Notice: a recorded run has grown, or its training tells something new.

    Attributes
    ----------
    step : int
        The newest; −1 while there is none.
    tensors : int
        How many the run has now.
    kept : tuple of (str, int)
        Addresses of the tensors that were kept anew, each with its new content version.
    reshaped : tuple of TensorInfo
        Those that have another shape or dtype than before.
    status : Settings
        What the training tells: ``training``, ``step``, ``slowdown``, ``ended``.
    """

    step: int
    tensors: int
    kept: tuple[tuple[str, int], ...] = ()
    reshaped: tuple[TensorInfo, ...] = ()
    status: Settings = ()


Notice = Changed | Died | Grown
