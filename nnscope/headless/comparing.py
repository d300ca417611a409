"""Two sources or tensors and their difference: as tensors of their own, and as a picture of all three."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import Frame
from nnscope.core.tensor import Listing
from nnscope.core.text import plain
from nnscope.engine.asking import AskedReader
from nnscope.engine.comparing import COMPARISON, Compared, Side, side_names
from nnscope.headless.client import SourceClient
from nnscope.headless.picture import RenderedPicture
from nnscope.headless.studio import Shared, Studio
from nnscope.scene.panes import places
from nnscope.sources.difference import Difference, alike, difference, extent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.look import Look


@dataclass(frozen=True, slots=True)
class Shown:
    """A tensor, and whom to ask about it."""

    client: Client
    info: TensorInfo


class ComparedClient(SourceClient):
    """Asks about all that two hold: the first minus the second (`engine.comparing`).

    Parameters
    ----------
    first, second : Client
    owned : bool
        Close them with it.
    """

    def __init__(self, first: Client, second: Client, owned: bool = True) -> None:
        def close() -> None:
            for client in (first, second) if owned else ():
                client.close()

        self.first, self.second = first, second
        self.names = side_names(first.listing.path, second.listing.path)
        one, other = (Side(name, client.ask) for name, client in zip(self.names, (first, second), strict=True))
        self.compared = Compared(one, other, close)
        super().__init__(self.compared, first.on_progress)


class DifferenceSource:
    """The difference of two tensors as a source of its own."""

    def __init__(self, made: Difference) -> None:
        self._made = made

    def listing(self) -> Listing:
        """The difference, and nothing else."""
        return Listing(self._made.info.note, COMPARISON, (self._made.info,))

    def reader(self, address: str) -> Difference:
        """Of its one tensor."""
        return self._made

    def close(self) -> None:
        """The tensors' own sources stay open."""


def subtracted(one: Shown, other: Shown) -> Shown:
    """The first minus the second.

    Raises
    ------
    NnscopeError
        If they have not the same shape, or one of them can't be read.
    """
    names = [plain(name) for name in named(one, other)]
    if not alike(one.info, other.info):
        shapes = f"{names[0]} is {extent(one.info)}, {names[1]} is {extent(other.info)}"
        raise NnscopeError("Only tensors of one shape can be compared.", shapes)
    sides = (AskedReader(shown.info, shown.client.ask) for shown in (one, other))
    made = difference(one.info.address, " − ".join(names), *sides)
    client = SourceClient(DifferenceSource(made), one.client.on_progress)
    return Shown(client, made.info)


def named(one: Shown, other: Shown) -> tuple[str, str]:
    """What the two are called beside each other: by their sources where these differ, else by their addresses."""
    paths = one.client.listing.path, other.client.listing.path
    return side_names(*paths) if paths[0] != paths[1] else (one.info.address, other.info.address)


def picture_of_three(one: Shown, other: Shown, fixed: Mapping[int, int], look: Look) -> RenderedPicture:
    """Both, in one colour domain, and beside them their difference.

    Parameters
    ----------
    one, other : Shown
    fixed : mapping of axis to index
        Axes that are shown at one index.
    look : Look

    Returns
    -------
    RenderedPicture
        Its legend and steps are those of the difference.

    Raises
    ------
    NnscopeError
        If they can't be compared or drawn.
    """
    from nnscope.render.offscreen import render_offscreen

    change = subtracted(one, other)
    lying = places(*look.size, 3, look.scale)
    change_look = replace(look, limits=None, normalisation="", colours="")
    studios = [Studio(one.client, look, lying[0], "one"), Studio(other.client, look, lying[1], "other")]
    scales = studios[0].scale(one.info), studios[1].scale(other.info)
    stills = [
        studio.still(shown.info, fixed, shared=Shared(scales, plain(name)))
        for studio, shown, name in zip(studios, (one, other), _moments(one, other), strict=True)
    ]
    stills.append(Studio(change.client, change_look, lying[2], "change").still(change.info, fixed))
    last = stills[-1]
    frame = Frame(*look.size, tuple(still.frame.panes[0] for still in stills), last.frame.theme, look.scale)
    rgba = render_offscreen(frame)
    return RenderedPicture(rgba, last.legend, last.steps, change.info.address, look.view, look.scientific)


def _moments(one: Shown, other: Shown) -> tuple[str, str]:
    """What the legends of the two say of which they are; nothing where their addresses tell."""
    same = one.client.listing.path == other.client.listing.path
    return ("", "") if same else named(one, other)
