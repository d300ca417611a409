"""What a view is: a kind of picture, which tensors it applies to, and how its tiles are built.

A view is a stateless object registered under its name. ``build`` runs where the tensor lives, in a worker thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from contextlib import AbstractContextManager

    import numpy as np

    from nnscope.core.answer import ProbeAnswer
    from nnscope.core.frame import PaneFrame, Rect
    from nnscope.core.layout import Layout
    from nnscope.core.picture import TilePicture
    from nnscope.core.request import BuildPicture, BuildSpace, Probe, ProbeSpace, Settings
    from nnscope.core.space import Camera3D, SpaceLook
    from nnscope.core.space_picture import Bounds, Drawing, Picked, SpacePicture
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.core.volume import Shape3
    from nnscope.sources.base import TensorReader
    from nnscope.views.setting import Setting


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

    def beginning(self, address: str) -> str:
        """The same tensor at the first step at which a run kept it; the address itself where there are no steps."""
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
    unit : str
        What the numbers of its cells are. A view without this attribute has the tensor's own values.
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


class ArrangingView(View, Protocol):
    """A view whose settings decide on the layout: which parts of the tensor are in the picture, and where.

    Attributes
    ----------
    options : tuple of Setting
        Its own settings, for `PaneState.settings`.
    """

    options: tuple[Setting, ...]

    def arranged(self, info: TensorInfo, layout: Layout, settings: Settings) -> Layout:
        """The layout that the settings call for; of the one at hand, only sliders of its own count."""
        ...

    def subject(self, info: TensorInfo, layout: Layout, settings: Settings) -> str:
        """What is in the picture, in words: "layer 2, head 3"."""
        ...

    def scale(self, info: TensorInfo) -> str:
        """The normalisation to begin with, outside of scientific mode."""
        ...

    def domain(self, settings: Settings) -> tuple[float, float] | None:
        """Values at the ends of the colour scale where those of the tensor don't fit; None where they do."""
        ...

    def pinned(self, info: TensorInfo, fixed: Mapping[int, int], settings: Settings) -> tuple[dict[int, int], Settings]:
        """Axes fixed at an index, as an address fixes them: those left for sliders, and settings for the others."""
        ...

    def stepped(self, info: TensorInfo, settings: Settings, by: int) -> Settings:
        """The settings that show the next part of the tensor, or one before."""
        ...


class SheetView(View, Protocol):
    """A flat picture whose cells lie on a grid of their own, so that only the view knows which element one shows.

    Attributes
    ----------
    options : tuple of Setting
        Its own settings, for `PaneState.settings`.
    """

    options: tuple[Setting, ...]

    def sheet(self, layout: Layout, settings: Settings) -> tuple[int, int]:
        """Rows and columns."""
        ...

    def directions(self, layout: Layout, settings: Settings) -> tuple[str, str]:
        """What is along rows, downwards, and along columns, in words; both are counted from the middle."""
        ...

    def cell_of(self, layout: Layout, settings: Settings, voxel: Shape3) -> tuple[int, int] | None:
        """The cell that shows a place of the layout, [z, y, x]; None where none does."""
        ...


class SpaceView(View, Protocol):
    """A picture of three dimensions: it answers `BuildSpace` instead of `BuildPicture`.

    All but ``build_space`` and ``probe_space`` is asked where the picture is looked at.

    Attributes
    ----------
    dimensions : int
        3. A view without this attribute has 2.
    normalisation : str
        What it begins with where aesthetic steps are allowed. A view without this attribute begins with ``"tanh"``.
    home : callable
        (layout) → `Camera3D`: where its pictures are looked at from at first, but for the distance. A view without this
        attribute begins aslant.
    deep : bool
        Whether its layouts have a depth; a landscape over a matrix has none.
    looks : tuple of str
        The fields of `SpaceLook` that change its pictures.
    options : tuple of Setting
        Its own settings, for `PaneState.settings`: no others reach it.
    """

    dimensions: int
    deep: bool
    looks: tuple[str, ...]
    options: tuple[Setting, ...]

    def bounds(self, layout: Layout, settings: Settings) -> Bounds:
        """The box that its pictures fill: what a camera looks at."""
        ...

    def sides(self, layout: Layout) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The layout's axes along the depth, the height and the width of that box; none where there is no index."""
        ...

    def level(self, layout: Layout, settings: Settings, camera: Camera3D, picture: Rect) -> int:
        """The level that a camera calls for in a picture of that size."""
        ...

    def asked(self, settings: Settings, look: SpaceLook, level: int) -> Settings:
        """The settings of requests for a level: only what changes the answer, sorted by name."""
        ...

    def build_space(self, context: BuildContext, request: BuildSpace) -> SpacePicture:
        """The level asked for."""
        ...

    def pick(self, pane: PaneFrame, x: float, y: float) -> Picked | None:
        """What is seen at a screen position in device pixels (the centre of a pixel is at its index + ½)."""
        ...

    def probe_space(self, context: BuildContext, request: ProbeSpace) -> ProbeAnswer:
        """What hovering shows at what was picked."""
        ...

    def factor(self, layout: Layout, look: SpaceLook) -> float:
        """How much larger than the tensor's values what is coloured is: sums along a ray are. 1 for most."""
        ...

    def drawing(self, settings: Settings, look: SpaceLook) -> Drawing:
        """How its pictures become pixels, in words."""
        ...
