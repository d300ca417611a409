"""``nnscope fit``: a sum of Gaussians fitted to a tensor, and written as a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nnscope.cli.document import print_document
from nnscope.cli.opened import opened_tensor
from nnscope.cli.options import AddressArgument, JsonOption, PathArgument, SampleOption  # noqa: TC001 - Typer reads annotations
from nnscope.cli.progress import reporter
from nnscope.cli.spreading import spread
from nnscope.core.answer import Progress
from nnscope.core.text import plain
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from nnscope.cli.progress import Reporter
    from nnscope.fields.fitting import FitResult
    from nnscope.fields.record import Step
    from nnscope.fields.view_fitting import ViewFitResult

_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the field is fitted, and what goes into its file."""

    gaussians: Annotated[int, typer.Option(metavar="N", help="Most Gaussians.")] = 256
    steps: Annotated[int, typer.Option(metavar="N", help="Steps of the fit.")] = 500
    views: Annotated[
        int, typer.Option(metavar="N", help="Fit N projections of a volume, a sixth of them held out; 0 fits values.")
    ] = 0
    keep_tensor: Annotated[
        bool, typer.Option("--keep-tensor", help="Keep the tensor in the file too, so that its residual can be shown.")
    ] = False
    over_training: Annotated[
        int,
        typer.Option(metavar="N", help="Fit N steps of a recorded run, each from the one before; 0 fits the newest."),
    ] = 0


@spread
def fit(
    path: PathArgument,
    address: AddressArgument,
    wanted: Wanted,
    out: Annotated[
        str, typer.Option("-o", "--out", metavar="FIELD.safetensors", help="The field's file.", show_default=False)
    ],
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> int:
    """Fit a sum of Gaussians to a tensor of two or three axes.

    The field is a safetensors file that opens as any other. PSNR is against the range of the values.
    """
    if not out.lower().endswith(_SUFFIX):
        raise OptionError("Fields are written as safetensors.", out, f"Give a name that ends in {_SUFFIX}.")
    from nnscope.fields.checkpoint import save_field

    if wanted.over_training:
        return _over_training(path, address, wanted, out, as_json)
    with reporter() as progress, opened_tensor(path, address, sample, progress) as tensor:
        values, name = tensor.read(), tensor.address
    with reporter() as progress:
        found = _fitted(values, wanted, progress)
    checkpoint = found.checkpoint
    target = values.reshape(found.field.shape) if wanted.keep_tensor else None
    save_field(out, replace(checkpoint, notes={**checkpoint.notes, "address": name}, target=target))
    if as_json:
        print_document(_document(found))
    else:
        print(_sentence(found, out))
    return 0


def _over_training(path: str, address: str, wanted: Wanted, out: str, as_json: bool) -> int:
    """Fit steps of a run, evenly spread, and write one file that holds them all."""
    import numpy as np

    from nnscope.fields.checkpoint import save_field
    from nnscope.fields.sequence import fit_over_training
    from nnscope.fields.settings import FitSettings

    if wanted.views or wanted.keep_tensor or wanted.over_training < 2:
        raise OptionError("Over training, values at two or more steps are fitted.", "--over-training")
    with reporter() as progress, opened_tensor(path, address, None, progress) as tensor:
        kept = tensor.kept_steps()
        if len(kept) < 2:
            raise OptionError("It was not kept at several steps of a recorded run.", plain(tensor.address))
        steps = kept[np.unique(np.linspace(0, len(kept) - 1, wanted.over_training).round().astype(int))].tolist()

        def tell(done: int, total: int) -> None:
            progress.update(Progress(done, total, f"step {steps[done]}"))

        settings = FitSettings(gaussians=wanted.gaussians, steps=wanted.steps)
        values = (tensor.at_step(step).read() for step in steps)
        found = fit_over_training(values, steps, settings, max(1, wanted.steps // 5), tell)
        save_field(out, replace(found, notes={**found.notes, "address": tensor.address}))
    document = {"gaussians": len(found.field), "steps": steps, "psnr_worst": float(found.notes["psnr_worst"])}
    if as_json:
        print_document(document)
    else:
        worst = f"{document['psnr_worst']:.2f} dB or more"
        print(f"{len(found.field)} Gaussians at {len(steps)} steps: {worst} → {plain(out)}")
    return 0


def _fitted(values: Any, wanted: Wanted, progress: Reporter) -> FitResult | ViewFitResult:
    from nnscope.fields.api import fit as fit_values
    from nnscope.fields.settings import FitSettings, ViewSettings

    def watch(step: Step) -> None:
        progress.update(Progress(step.number, step.total, f"{step.psnr:.1f} dB"))

    settings = FitSettings(gaussians=wanted.gaussians, steps=wanted.steps)
    if not wanted.views:
        return fit_values(values, settings, watch=watch)
    return fit_values(values, settings, views=ViewSettings.of(wanted.views), watch=watch)


def _document(found: FitResult | ViewFitResult) -> dict[str, Any]:
    count = len(found.steps)
    return {
        "gaussians": len(found.field),
        "bytes": found.field.nbytes,
        "psnr": found.psnr,
        "psnr_heldout": getattr(found, "psnr_heldout", None),
        "seconds": found.seconds,
        "steps_per_second": count / found.seconds if found.seconds > 0 else 0.0,
        "loss_first": found.steps[0].loss if count else None,
        "loss_last": found.steps[-1].loss if count else None,
    }


def _sentence(found: FitResult | ViewFitResult, out: str) -> str:
    from nnscope.scene import numbers

    held_out = getattr(found, "psnr_heldout", None)
    beside = "" if held_out is None else f", {held_out:.2f} dB in views held out"
    size = numbers.nbytes(found.field.nbytes)
    return f"{len(found.field)} Gaussians, {size}: {found.psnr:.2f} dB{beside}, {found.seconds:.1f} s → {plain(out)}"
