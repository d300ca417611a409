"""Arguments and options that several commands share, and the texts that options are parsed from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from nnscope.core.request import Scalar

PathArgument = Annotated[
    str, typer.Argument(metavar="PATH", help="A file, a folder, demo:NAME or file.py:factory.", show_default=False)
]
AddressArgument = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="A tensor's name, as `nnscope info` lists it; an index may follow.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
SampleOption = Annotated[
    int | None, typer.Option("--sample", metavar="N", help="Run a live model on its sample input N first.")
]

CompareOption = Annotated[
    str, typer.Option("--compare", metavar="PATH", help="Another file or run, which is subtracted.")
]


def parse_integers(text: str) -> tuple[int, ...]:
    """``"3,0,-1"`` → ``(3, 0, -1)``; empty text gives none."""
    try:
        return tuple(int(part) for part in text.split(",")) if text.strip() else ()
    except ValueError:
        raise OptionError(f"{text!r} is no list of integers.", remedy="Write it such as 3,0,1.") from None


def parse_size(text: str) -> tuple[int, int]:
    """``"1280x800"`` → ``(1280, 800)``."""
    width, _, height = text.lower().partition("x")
    try:
        return int(width), int(height)
    except ValueError:
        raise OptionError(f"{text!r} is no size.", remedy="Write it such as 1280x800.") from None


def parse_camera(text: str) -> tuple[float, float, float]:
    """``"30,20,2"`` → ``(30.0, 20.0, 2.0)``."""
    try:
        azimuth, elevation, distance = map(float, text.split(","))
    except ValueError:
        raise OptionError(f"{text!r} is no camera.", remedy="Write it such as 30,20,2.") from None
    return azimuth, elevation, distance


def parse_settings(text: str) -> dict[str, Scalar]:
    """``"epsilon=0.1,smooth=true"`` → ``{"epsilon": 0.1, "smooth": True}``."""
    found: dict[str, Scalar] = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.partition("=")
        if not (name.strip() and equals):
            raise OptionError(f"{part!r} is no setting.", remedy="Write it such as epsilon=0.1,tau=0.5.")
        found[name.strip()] = _scalar(value.strip())
    return found


def _scalar(text: str) -> Scalar:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def parse_cut(text: str) -> tuple[str, int, int, str]:
    """``"z=12"`` → ``("z", 12, 1, "mean")``; a thickness and a reduction may follow: ``"z=12,4,max"``."""
    axis, _, rest = text.partition("=")
    index, thickness, reduction = (*rest.split(","), "", "")[:3]
    try:
        return axis.strip(), int(index), int(thickness or 1), reduction.strip() or "mean"
    except ValueError:
        raise OptionError(f"{text!r} is no slice.", remedy="Write it such as z=12, or z=12,4,max.") from None


def parse_steps(text: str) -> tuple[int | None, ...]:
    """``"100:2000:5"`` → ``(100, 2000, 5)``; parts that are left out are None."""
    parts = text.split(":") if text.strip() else []
    try:
        if len(parts) not in (0, 2, 3):
            raise ValueError(text)
        return tuple(int(part) if part.strip() else None for part in parts)
    except ValueError:
        raise OptionError(
            f"{text!r} is no range of steps.", remedy="Write it such as 100:2000 or 100:2000:5."
        ) from None


def parse_limits(text: str) -> tuple[float, float]:
    """``"-0.5,0.5"`` → ``(-0.5, 0.5)``."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise OptionError(f"{text!r} is no range.", remedy="Write it such as -0.5,0.5.") from None
    return low, high
