"""``capture``: watch a model for the length of a ``with`` block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.modules import modules_of, select
from nnscope.sources.live.source import BUDGET, CAPTURED, KINDS, LiveSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import torch

    from nnscope.sources.base import TensorReader
    from nnscope.sources.live.modules import Layers

_OTHERWISE = {
    "grad": "Gradients of parameters are recorded by `nnscope.watch`.",
    "jacobian": "Jacobians are asked for by `Tensor.analyse`.",
}


class Capture(Mapping[str, "TensorReader"]):
    """What the modules of a model take and give while the ``with`` block runs, by address.

    Reading stays possible after the block. A new forward pass takes the place of the one before.

    Attributes
    ----------
    source : LiveSource
        The same values, and the model's parameters, as a source.
    """

    def __init__(self, source: LiveSource) -> None:
        self.source = source

    def __enter__(self) -> Capture:
        self.source.recorder.attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.source.close()
        finally:  # an interruption may have come in between two hooks
            self.source.close()

    def __getitem__(self, address: str) -> TensorReader:
        if self.source.captured.find(address) is None and address not in list(self):
            raise KeyError(address)
        return self.source.reader(address)

    def __iter__(self) -> Iterator[str]:
        return (info.address for info in self.source.captured_infos())

    def __len__(self) -> int:
        return len(self.source.captured_infos())


def capture(
    model: torch.nn.Module,
    layers: Layers = "*",
    kinds: Sequence[str] = KINDS,
    budget: int = BUDGET,
    tokens: Sequence[str] = (),
) -> Capture:
    """Capture inputs, outputs and attention of modules by forward hooks, without changing what the model computes.

    Outputs, losses, gradients, parameters and the random state are bit for bit those without capture; hooks raise
    nothing into the model and come off when the block ends, however it ends.

    Parameters
    ----------
    model : Module
    layers : str, iterable of str, or callable
        Which modules: a path or pattern (``"encoder.*"``), several, or a function of the path. All by default.
    kinds : sequence of str
        Of ``"input"``, ``"output"``, and ``"grad_input"`` and ``"grad_output"``, their gradients in a backward pass;
        and ``"attention"``, the weights of each head.
    budget : int
        Bytes of captured values kept at most; beyond it the newest win, and the listing says which were not kept.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.

    Returns
    -------
    Capture
        A context manager, and a mapping from address to reader.

    Raises
    ------
    NnscopeError
        If ``layers`` matches nothing or ``kinds`` holds something else.

    Examples
    --------
    >>> with capture(model, "encoder.*") as cap:  # doctest: +SKIP
    ...     model(x)
    >>> cap["encoder.0:output"].info.shape  # doctest: +SKIP
    (1, 16, 64)
    """
    kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
    remedy = f"Kinds are {', '.join(map(repr, CAPTURED))}."
    for kind in kinds:
        if kind not in CAPTURED:
            raise NnscopeError(f"{kind!r} is no kind of captured value.", "kinds", _OTHERWISE.get(kind, remedy))
    if not kinds:
        raise NnscopeError("No kind of value is asked for.", "kinds", remedy)
    chosen = select(modules_of(model), layers)
    return Capture(LiveSource(model, type(model).__name__, chosen, kinds, budget, tokens))
