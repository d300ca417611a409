"""How each request is answered, wherever the tensor lives: one function per request, looked up by its type."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import TYPE_CHECKING, Any, TypeVar

from nnscope.core.answer import Analysis, Branches, ControlAnswer, ProbeAnswer, Series, Spectrum, Values
from nnscope.core.errors import NnscopeError
from nnscope.core.request import (
    Analyse,
    BuildPicture,
    BuildSpace,
    Control,
    GetBranches,
    GetInfo,
    GetSeries,
    GetSpectrum,
    GetStats,
    ListTensors,
    Probe,
    ProbeSpace,
    ReadRegion,
    Request,
)
from nnscope.views.registry import find_space_view, find_view

if TYPE_CHECKING:
    from nnscope.core.picture import TilePicture
    from nnscope.core.space_picture import SpacePicture
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.engine.context import Context
    from nnscope.sources.base import TensorReader
    from nnscope.views.base import View

V = TypeVar("V", bound="View")
READ_LIMIT = 64 << 20  # bytes a ReadRegion may ask for


def answer(context: Context, request: Request) -> Any:
    """The answer to ``request``; raises `NnscopeError` where it can't be given."""
    return _answer(request, context)


@singledispatch
def _answer(request: Request, context: Context) -> Any:
    raise NnscopeError("This engine does not know that request.", type(request).__name__)


@_answer.register(ListTensors)
def _list(request: ListTensors, context: Context) -> Listing:
    return context.source.listing()


@_answer.register(GetInfo)
def _info(request: GetInfo, context: Context) -> TensorInfo:
    return context.reader(request.address).info


@_answer.register(GetSeries)
def _series(request: GetSeries, context: Context) -> Series:
    series = getattr(context.source, "series", None)
    if series is None:
        raise NnscopeError("Only a recorded run has numbers over its steps.", request.address)
    found: Series = series(request.address, request.name, request.start)
    return found


@_answer.register(GetStats)
def _stats(request: GetStats, context: Context) -> TensorStats:
    if not request.all_steps:
        return context.stats(request.address, request.exact)
    pooled = getattr(context.source, "pooled", None)
    if pooled is None:
        raise NnscopeError("Only a recorded run has statistics over its steps.", request.address)
    found: TensorStats = pooled(request.address)
    return found


@_answer.register(BuildPicture)
def _picture(request: BuildPicture, context: Context) -> TilePicture:
    view = _fitting(find_view(request.view), context, request)
    return view.build(context, request)


@_answer.register(BuildSpace)
def _space(request: BuildSpace, context: Context) -> SpacePicture:
    view = _fitting(find_space_view(request.view), context, request)
    return view.build_space(context, request)


@_answer.register(ReadRegion)
def _read(request: ReadRegion, context: Context) -> Values:
    reader = context.reader(request.address)
    if len(request.region) != reader.info.ndim:
        raise NnscopeError("The region does not have one range per axis.", request.address)
    size = math.prod(len(range(*axis)) for axis in request.region)
    if size * 16 > READ_LIMIT and size * _itemsize(reader) > READ_LIMIT:
        raise NnscopeError("The region is larger than 64 MiB.", request.address, "Read it in parts.")
    return Values(request.address, reader.read(request.region), reader.info.version)


@_answer.register(Probe)
def _probe(request: Probe, context: Context) -> ProbeAnswer:
    return find_view(request.view).probe(context, request)


@_answer.register(ProbeSpace)
def _probe_space(request: ProbeSpace, context: Context) -> ProbeAnswer:
    view = _fitting(find_space_view(request.view), context, request)
    return view.probe_space(context, request)


@_answer.register(GetSpectrum)
def _spectrum(request: GetSpectrum, context: Context) -> Spectrum:
    from nnscope.compute.spectra.singular_values import (
        top_singular_values,  # SciPy is slow to import and rarely asked for
    )

    reader = context.reader(request.address)
    key = ("spectrum", request.address, reader.info.version, request.k, request.complete)

    def compute() -> Spectrum:
        return top_singular_values(
            reader, request.k, request.complete, lambda done, total: context.progress(done, total, "Singular values")
        )

    result: Spectrum = context.memo(key, compute, lambda s: s.sigma.nbytes)
    return result


@_answer.register(Analyse)
def _analyse(request: Analyse, context: Context) -> Analysis:
    from nnscope.views.analyses.base import Work
    from nnscope.views.analyses.registry import find_method

    method, reader = find_method(request.method), context.reader(request.address)
    refusal = method.refuses(reader.info)
    if refusal:
        raise NnscopeError(refusal, request.address)
    settings = method.checked(request.settings)

    def run() -> Analysis:
        found = method.run(Work(context, reader, settings))
        facts = {**settings, **found.facts}
        return Analysis(request.address, method.name, found.arrays, tuple(sorted(facts.items())), reader.info.version)

    key = ("analysis", request.address, reader.info.version, method.name, tuple(sorted(settings.items())))
    result: Analysis = context.memo(key, run, lambda found: sum(a.nbytes for a in found.arrays.values()) + 1024)
    return result


@_answer.register(GetBranches)
def _branches(request: GetBranches, context: Context) -> Branches:
    from nnscope.engine.branches import branches

    return branches(context, request.activations)


@_answer.register(Control)
def _control(request: Control, context: Context) -> ControlAnswer:
    control = getattr(context.source, "control", None)
    if control is None:
        raise NnscopeError("This source is a file: nothing in it runs.", remedy="Open a demo or a factory instead.")
    result: ControlAnswer = control(request)
    return result


def _fitting(view: V, context: Context, request: BuildPicture | BuildSpace | ProbeSpace) -> V:
    """The view, if it can show the tensor as it is now."""
    info = context.reader(request.address).info
    if request.layout.shape != info.shape:
        raise NnscopeError("The tensor has another shape by now.", request.address, "Choose it again.")
    refusal = view.refuses(info)
    if refusal:
        raise NnscopeError(refusal, request.address)
    return view


def _itemsize(reader: TensorReader) -> int:
    return max(1, reader.info.nbytes // max(1, reader.info.size))
