"""What a view is: a kind of picture, which tensors it applies to, and how its tiles are built.

A view is a stateless object registered under its name. ``build`` runs where the tensor lives, in a worker thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from contextlib import AbstractContextManager

    import numpy as np

    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildVolume, Probe, ProbeVolume
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.core.volume import VolumePicture
    from nnscope.sources.base import TensorReader


class Linear(Protocol):
    """Products with the Jacobian J of a module at one input."""

    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    def vjp(self, v: np.ndarray) -> np.ndarray:
        """Jᵀv, in the inputs' shape."""
        ...

    def jvp(self, u: np.ndarray) -> np.ndarray:
        """Ju, in the outputs' shape."""
        ...


class BuildContext(Protocol):
    """What a view may ask of the engine while it builds."""

    def reader(self, address: str) -> TensorReader:
        """The tensor, pinned at its present version for the length of the job."""
        ...

    def stats(self, address: str, exact: bool = True) -> TensorStats:
        """Its statistics, from the cache or computed now."""
        ...

    def known_stats(self, address: str) -> TensorStats | None:
        """The statistics at hand without a long pass: exact, sampled, or computed now when the tensor is small."""
        ...

    def memo(self, key: Hashable, build: Callable[[], Any], nbytes: Callable[[Any], int]) -> Any:
        """``build()`` once for ``key``, kept under the engine's byte budget. Keys hold the content version."""
        ...

    def durable(
        self,
        key: Hashable,
        build: Callable[[], Any],
        pack: Callable[[Any], dict[str, np.ndarray]],
        unpack: Callable[[dict[str, np.ndarray]], Any],
    ) -> Any:
        """``build()``, or what an earlier run kept on disk for the same content of the same file."""
        ...

    def peek(self, key: Hashable) -> Any | None:
        """What `memo` keeps for ``key``, or None; builds nothing."""
        ...

    def linearised(self, path: str) -> AbstractContextManager[Linear]:
        """A module of a live model as a linear map about what it is given now; raises `NnscopeError` elsewhere."""
        ...

    def check(self) -> None:
        """Raise `Cancelled` when the answer is not wanted any more."""
        ...

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Report how far the job is."""
        ...


class View(Protocol):
    """One kind of picture.

    Attributes
    ----------
    name, title : str
        Registry name and the words in the menu.
    aesthetic : str
        Empty when the view is faithful; else why scientific mode greys it out.
    coloured : bool
        Whether tiles are colours already (no normalisation, no colour map).
    """

    name: str
    title: str
    aesthetic: str
    coloured: bool

    def refuses(self, info: TensorInfo) -> str:
        """Why this view can't show the tensor, as a sentence; empty when it can."""
        ...

    def probe(self, context: BuildContext, request: Probe) -> ProbeAnswer:
        """What hovering shows at a cell."""
        ...

    def layout(self, info: TensorInfo) -> Layout:
        """The layout to begin with."""
        ...

    def absorbed(self, info: TensorInfo) -> tuple[int, ...]:
        """Axes of the tensor that every cell takes in whole, so that there is no index of them to choose."""
        ...

    def build(self, context: BuildContext, request: BuildPicture) -> TilePicture:
        """The tiles asked for."""
        ...


class SpaceView(View, Protocol):
    """A picture of three dimensions: its layouts have a depth, and it answers `BuildVolume` instead of `BuildPicture`.

    Attributes
    ----------
    dimensions : int
        3. A view without this attribute has 2.
    """

    dimensions: int

    def build_volume(self, context: BuildContext, request: BuildVolume) -> VolumePicture:
        """The level asked for."""
        ...

    def probe_volume(self, context: BuildContext, request: ProbeVolume) -> ProbeAnswer:
        """What hovering shows at a voxel."""
        ...
