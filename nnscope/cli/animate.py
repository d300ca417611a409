"""``nnscope animate``: the steps of a recorded run, or a turn around a picture in space, as a film."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.opened import opened_tensor
from nnscope.cli.options import AddressArgument, JsonOption, PathArgument, parse_steps
from nnscope.cli.progress import reporter
from nnscope.cli.render import LookArguments  # noqa: TC001 - Typer reads annotations
from nnscope.cli.spreading import spread
from nnscope.headless.look import look

if TYPE_CHECKING:
    from nnscope.headless.moving import Animation


@dataclass(frozen=True, slots=True)
class FilmArguments:
    """Which pictures the film has, and how fast they go by."""

    steps: Annotated[
        str, typer.Option(metavar="A:B:C", help="From step A to B, every C-th at which the tensor was kept.")
    ] = ""
    frames: Annotated[int | None, typer.Option(metavar="N", help="Number of pictures; one a step otherwise.")] = None
    fps: Annotated[float, typer.Option(metavar="X", help="Pictures a second.")] = 25.0
    orbit: Annotated[bool, typer.Option("--orbit", help="Turn once around a picture in space.")] = False


@spread
def animate(
    path: PathArgument,
    address: AddressArgument,
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="OUT.mp4", help="The film's file: .mp4, .gif or .png (APNG).")
    ],
    arguments: LookArguments,
    film: FilmArguments,
    as_json: JsonOption = False,
) -> int:
    """Draw a tensor at each step of a recorded run and write a film.

    Colours mean the same at every step; the step is written into each picture. It needs no display.
    """
    from nnscope.headless.moving import check_animation, motion_of

    options, steps = arguments.options(), parse_steps(film.steps)
    motion = motion_of(steps, film.frames, film.orbit)
    check_animation(out, look(options), motion, film.fps)  # what is wrong is said before anything is opened
    pictures: dict[str, Any] = {"steps": steps, "frames": film.frames, "fps": film.fps, "orbit": film.orbit}
    with reporter() as progress, opened_tensor(path, address, None, progress) as tensor:
        found = tensor.animate(out, **pictures, on_progress=lambda done: progress.begin(done, 1), **options)
    if as_json:
        print_document(_document(found, arguments))
    return 0


def _document(found: Animation, arguments: LookArguments) -> dict[str, Any]:
    return {
        "out": found.path,
        "size": found.size,
        "frames": found.frames,
        "fps": found.fps,
        "seconds": found.seconds,
        "view": arguments.view,
        "scientific": arguments.scientific,
        "steps": found.steps,
    }
