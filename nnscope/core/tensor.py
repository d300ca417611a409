"""What is known of a tensor without reading it, and the listing of a source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

MOST_SCALARS = 256  # names that a listing tells


@dataclass(frozen=True, slots=True)
class Kept:
    """Of what the values that can be read are a part, or stand for.

    Attributes
    ----------
    whole : tuple of int
        Shape of the tensor itself.
    means : int
        Side of the blocks whose means the values are; 0 where they are elements.
    """

    whole: tuple[int, ...]
    means: int = 0


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as listed: everything but its values.

    Attributes
    ----------
    address : str
        Its name in the source: the key that every request uses. Arbitrary text (promise P8).
    shape : tuple of int
    dtype : str
        Canonical name as in NumPy and ml_dtypes: ``"float32"``, ``"bfloat16"``, ``"float8_e4m3fn"``, ``"int4"`` …
    kind : str
        ``"parameter"``, ``"buffer"``, ``"array"``, ``"input"``, ``"output"``, ``"attention"`` …
    nbytes : int
        Bytes of the values as stored.
    version : int
        Content version. It rises when the values may have changed, and nothing else invalidates a cache.
    axes : tuple of str
        Names of the axes where known, else empty.
    aliases : tuple of str
        Other names of the same storage (tied weights); listed here and not a second time.
    unreadable : str
        Why its values can't be shown; empty when they can.
    note : str
        How the values came about, where they are not simply what was stored or passed on, such as "recomputed from
        query, key and mask".
    labels : tuple of tuple of str
        For each axis the names of its indices, such as tokens, or none; empty when no axis has any.
    kept : Kept or None
        Of what it is a part, where not all of the tensor can be read.
    """

    address: str
    shape: tuple[int, ...]
    dtype: str
    kind: str = "parameter"
    nbytes: int = 0
    version: int = 0
    axes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unreadable: str = ""
    note: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    kept: Kept | None = None

    @property
    def size(self) -> int:
        """Number of elements that can be read."""
        return math.prod(self.shape)

    @property
    def full_shape(self) -> tuple[int, ...]:
        """The shape of the tensor itself."""
        return self.shape if self.kept is None else self.kept.whole

    @property
    def full_size(self) -> int:
        """Number of elements of the tensor itself."""
        return math.prod(self.full_shape)

    @property
    def means(self) -> int:
        """Side of the blocks whose means are all that can be read; 0 where elements are."""
        return 0 if self.kept is None else self.kept.means

    @property
    def provenance(self) -> str:
        """What the values are that are read, in words."""
        if self.means:
            return f"means of {self.means}×{self.means} values, as recorded"
        return self.note or f"{self.dtype} as stored"

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """A module of a live model.

    Attributes
    ----------
    path : str
        Dotted; empty for the model itself.
    type : str
        Name of its class.
    order : int
        Where it sits in the order of execution; −1 where it was not seen.
    observed : str
        Whether values of it can be seen: ``"yes"``, ``"partly"``, ``"no"``, or ``"holds others"`` of one that is never
        called; empty where that isn't known.
    note : str
        What can't be observed of it and why, or in which way it can; empty when there is nothing to say.
    """

    path: str
    type: str
    order: int = -1
    observed: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source holds.

    Attributes
    ----------
    path : str
        The file, folder, address or ``demo:NAME`` it was opened from.
    format : str
        ``"safetensors"``, ``"pytorch-zip"``, ``"npy"``, ``"npz"``, ``"live"`` …
    tensors : tuple of TensorInfo
        In the order of the file or of execution.
    modules : tuple of ModuleInfo
        Modules with their class names; empty when the source is a plain file.
    refused : tuple of str
        Names that the file wanted called or imported and that were not (promise P1).
    warnings : tuple of str
        Sentences about damage that was survived, such as a marked prefix of a cut file.
    metadata : tuple of (str, str)
        Text that the file carries beside its tensors.
    nbytes : int
        Bytes of the file or files.
    live : dict
        For a live model: ``{"samples": [labels…], "sample": int, "training": bool, "can_train": bool, …}``.
    scalars : tuple of str
        Names of the numbers that a recorded run has over its steps (`GetSeries`); at most `MOST_SCALARS`.
    """

    path: str
    format: str
    tensors: tuple[TensorInfo, ...]
    modules: tuple[ModuleInfo, ...] = ()
    refused: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    nbytes: int = 0
    live: dict[str, object] = field(default_factory=dict)
    scalars: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of elements over all stored tensors; captured values don't count, aliases count once."""
        return sum(t.full_size for t in self.tensors if t.kind in ("parameter", "buffer", "array"))
