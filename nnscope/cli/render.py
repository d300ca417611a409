"""``nnscope render``: a picture of a tensor, drawn with no display."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.opened import opened_pair, opened_tensor, three_tensors
from nnscope.cli.options import (
    AddressArgument,
    CompareOption,
    JsonOption,
    PathArgument,
    SampleOption,
    parse_camera,
    parse_cut,
    parse_integers,
    parse_limits,
    parse_settings,
    parse_size,
)
from nnscope.cli.progress import reporter
from nnscope.cli.spreading import spread
from nnscope.core.space import INTERPOLATIONS, MODES
from nnscope.headless.look import NORMALISATIONS, PROJECTIONS, REDUCTIONS, THEMES, LookOptions, OptionError, look

if TYPE_CHECKING:
    from nnscope.core.legend import Legend
    from nnscope.headless.picture import RenderedPicture


def _words(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


@dataclass(frozen=True, slots=True)
class LookArguments:
    """How the picture is to look, as the command line has it; see `nnscope.headless.look.Look`."""

    view: Annotated[
        str, typer.Option(metavar="NAME", help="heatmap, rgb, section, volume, voxels, landscape or splats.")
    ] = "heatmap"
    scientific: Annotated[bool, typer.Option("--scientific", help="Leave every aesthetic step out.")] = False
    size: Annotated[str, typer.Option(metavar="WxH", help="Width and height in pixels.")] = "1280x800"
    colours: Annotated[str, typer.Option(metavar="NAME", help="Colour map; chosen by the data otherwise.")] = ""
    normalisation: Annotated[str, typer.Option(metavar="NAME", help=f"{_words(NORMALISATIONS)}.")] = ""
    limits: Annotated[str, typer.Option(metavar="LO,HI", help="Values at both ends of the colour scale.")] = ""
    reduction: Annotated[
        str, typer.Option(metavar="NAME", help=f"What a cell shows of many values: {_words(REDUCTIONS)}.")
    ] = "mean"
    rows: Annotated[str, typer.Option(metavar="I,J,…", help="Axes along the rows, outermost first.")] = ""
    cols: Annotated[str, typer.Option(metavar="I,J,…", help="Axes along the columns, outermost first.")] = ""
    depth: Annotated[str, typer.Option(metavar="I,J,…", help="Axes along the depth of a volume.")] = ""
    theme: Annotated[str, typer.Option(metavar="NAME", help=f"{_words(THEMES)}.")] = "dark"
    scale: Annotated[float, typer.Option(metavar="X", help="Size of text and lines.")] = 1.0
    camera: Annotated[
        str, typer.Option(metavar="AZ,EL,DIST", help="Of a volume: degrees around and up, diagonals away.")
    ] = ""
    mode: Annotated[str, typer.Option(metavar="NAME", help=f"What a ray finds: {_words(tuple(MODES))}.")] = ""
    interpolation: Annotated[str, typer.Option(metavar="NAME", help=f"{_words(INTERPOLATIONS)}.")] = "nearest"
    projection: Annotated[str, typer.Option(metavar="NAME", help=f"{_words(PROJECTIONS)}.")] = "perspective"
    cut: Annotated[
        str,
        typer.Option("--slice", metavar="z=I[,N[,mean]]", help="Cut a volume by a slab of N voxels from x, y, z = I."),
    ] = ""
    gain: Annotated[float, typer.Option(metavar="X", help="How strongly translucent colours absorb.")] = 6.0
    threshold: Annotated[
        float | None, typer.Option(metavar="X", help="Magnitude of a surface, or from which voxels are seen.")
    ] = None
    settings: Annotated[
        str,
        typer.Option("--set", metavar="NAME=X,…", help="The view's own settings: epsilon, tau and density of voxels."),
    ] = ""
    quick: Annotated[bool, typer.Option("--quick", help="Show a large tensor from a labelled sample.")] = False

    def options(self) -> LookOptions:
        """The same as options of a `Look`."""
        mosaic = bool(self.rows or self.cols)
        return LookOptions(
            view=self.view,
            scientific=self.scientific,
            size=parse_size(self.size),
            colours=self.colours,
            normalisation=self.normalisation,
            limits=parse_limits(self.limits) if self.limits else None,
            reduction=self.reduction,
            rows=parse_integers(self.rows) if mosaic else None,
            cols=parse_integers(self.cols) if mosaic else None,
            depth=parse_integers(self.depth) if self.depth else None,
            theme=self.theme,
            scale=self.scale,
            exact=not self.quick,
            camera=parse_camera(self.camera) if self.camera else None,
            mode=self.mode,
            interpolation=self.interpolation,
            projection=self.projection,
            gain=self.gain,
            cut=parse_cut(self.cut) if self.cut else None,
            threshold=self.threshold,
            settings=parse_settings(self.settings),
        )


@spread
def render(
    path: PathArgument,
    address: AddressArgument,
    out: Annotated[str, typer.Option("-o", "--out", metavar="OUT.png", help="The picture's file.", show_default=False)],
    arguments: LookArguments,
    compare: CompareOption = "",
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Draw a tensor and write it as PNG.

    The picture is what the window shows at that size, with every value read. It needs no display. With --compare it
    shows the tensor, that of the same address in the other file, and their difference; of runs, ADDRESS@120-100 is step
    120 against step 100 of the other.
    """
    options = arguments.options()
    look(options)  # what is wrong with them is said before anything is opened
    if not out.lower().endswith(".png"):
        raise OptionError("Pictures are written as PNG.", out, "Give a name that ends in .png.")
    with reporter() as progress:
        if compare:
            with closing(opened_pair(path, compare, address, sample, progress)) as pair:
                one, other, _ = three_tensors(pair, address)
                picture = one.compare(other, **options)
        else:
            with opened_tensor(path, address, sample, progress) as tensor:
                picture = tensor.render(**options)
    picture.save(out)
    if as_json:
        print_document(_document(out, picture))
    return 0


def _document(out: str, picture: RenderedPicture) -> dict[str, Any]:
    return {
        "out": out,
        "size": picture.size,
        "view": picture.view,
        "scientific": picture.scientific,
        "legend": _legend(picture.legend),
        "steps": [{"name": step.name, "faithful": step.faithful} for step in picture.steps],
    }


def _legend(legend: Legend) -> dict[str, Any]:
    norm = legend.normalisation
    return {
        "normalisation": None if norm is None else norm.name,
        "domain": None if norm is None else norm.domain,
        "level": legend.level,
        "reduction": legend.reduction,
        "clipped": legend.clipped,
        "nan": legend.nan,
        "posinf": legend.posinf,
        "neginf": legend.neginf,
    }
