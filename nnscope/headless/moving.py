"""Animations with no window: the steps of a recorded run, or a turn around a picture in space, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnscope.core.answer import Progress
from nnscope.core.errors import NnscopeError
from nnscope.core.request import GetInfo, GetSeries
from nnscope.core.text import plain
from nnscope.export.animation import AnimationWriter
from nnscope.export.clip import Clip, check_clip
from nnscope.export.image import picture_metadata
from nnscope.headless.look import OptionError
from nnscope.headless.studio import Studio
from nnscope.scene.shots import Motion, shots
from nnscope.scene.timeline import OVER_STEPS
from nnscope.views.registry import dimensions, find_view

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

    from nnscope.core.tensor import TensorInfo
    from nnscope.headless.client import Client
    from nnscope.headless.look import Look
    from nnscope.headless.studio import Still
    from nnscope.scene.shots import Shot

    OnProgress = Callable[[Progress], None] | None


@dataclass(frozen=True, slots=True)
class Animation:
    """An animation that was written.

    Attributes
    ----------
    path : str
    size : (int, int)
        Width and height in pixels.
    fps : float
        Pictures a second.
    steps : tuple of int
        Of a recorded run: the step of each picture; empty for another tensor.
    frames : int
        Number of pictures.
    """

    path: str
    size: tuple[int, int]
    fps: float
    steps: tuple[int, ...]
    frames: int

    @property
    def seconds(self) -> float:
        """How long it takes to see it."""
        return self.frames / self.fps


@dataclass(frozen=True, slots=True)
class Subject:
    """What an animation is of: a tensor, and its axes that are shown at one index."""

    client: Client
    info: TensorInfo
    fixed: Mapping[int, int]

    def at(self, shot: Shot) -> TensorInfo:
        """The tensor as it was at the step of a picture."""
        if shot.step is None:
            return self.info
        found: TensorInfo = self.client.ask(GetInfo(f"{self.info.address}@{shot.step}"))
        return found

    def kept(self) -> np.ndarray:
        """The steps at which it was kept, rising; none for a tensor without steps, or of all, or taken at a step."""
        timeless = self.client.listing.format != "run" or self.info.kind in OVER_STEPS
        if timeless or self.client.info(self.info.address) is None:
            return np.empty(0, np.int64)
        return np.unique(self.client.ask(GetSeries(self.info.address, "level")).steps)


def motion_of(steps: tuple[int | None, ...], frames: int | None, orbit: bool) -> Motion:
    """What moves: ``steps`` are the first, the last and every how many of them, each None or left out for the default.

    Raises
    ------
    OptionError
        If they are none.
    """
    first, last, stride = (*steps, None, None, None)[:3]
    try:
        return Motion(first, last, 1 if stride is None else stride, frames, orbit)
    except NnscopeError as error:
        raise OptionError(error.what, error.where, error.remedy) from None


def check_animation(path: str | os.PathLike[str], look: Look, motion: Motion, fps: float) -> Clip:
    """The clip, if such an animation can be; raises `OptionError` otherwise."""
    clip = Clip(look.size, fps)
    try:
        check_clip(path, clip)
    except NnscopeError as error:
        raise OptionError(error.what, error.where, error.remedy) from None
    if motion.orbit and dimensions(find_view(look.view)) != 3:
        raise OptionError(f"The view {look.view} has no camera to orbit.", remedy="Choose volume, voxels or landscape.")
    return clip


def animate(
    subject: Subject, path: str | os.PathLike[str], look: Look, motion: Motion, fps: float, on_progress: OnProgress
) -> Animation:
    """Write an animation. Whatever ends it early leaves nothing behind.

    Parameters
    ----------
    subject : Subject
    path : path
        Its ending says the format: ``.mp4``, ``.gif`` or ``.png``.
    look : Look
    motion : Motion
    fps : float
        Pictures a second.
    on_progress : callable or None
        Called with a `Progress` before each picture.

    Raises
    ------
    NnscopeError
        If nothing moves, a picture can't be made, or the file can't be written.
    """
    from nnscope.render.offscreen import Offscreen

    clip = check_animation(path, look, motion, fps)
    if subject.info.kind in OVER_STEPS:
        where = plain(subject.info.address)
        raise NnscopeError("It is one picture of all steps.", where, "`nnscope render` draws it, and `Tensor.render`.")
    wanted = shots(subject.kept(), motion)
    studio = Studio(subject.client, look)
    first = studio.still(subject.at(wanted[0]), subject.fixed, wanted[0].turn)
    clip = Clip(clip.size, fps, _metadata(subject, first, look))
    with Offscreen() as screen, AnimationWriter(path, clip) as writer:
        for at, shot in enumerate(wanted):
            if on_progress is not None:
                on_progress(Progress(at, len(wanted), f"Animating {plain(subject.info.address, 64)}"))
            if at == 0 or shot != wanted[at - 1]:
                still = studio.still(subject.at(shot), subject.fixed, shot.turn)
                rgba = screen.draw(still.frame)
            writer.add(rgba)
    steps = tuple(shot.step for shot in wanted if shot.step is not None)
    return Animation(str(path), clip.size, fps, steps, len(wanted))


def _metadata(subject: Subject, still: Still, look: Look) -> dict[str, str]:
    told = picture_metadata((subject.info.address,), still.steps, look.scientific)
    return {"title": plain(subject.info.address), "comment": "; ".join(told[name] for name in ("Recipe", "Mode"))}
