"""``capture``: watch a model for the length of a ``with`` block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.captured import ROOM, Place, Room
from nnscope.sources.live.gradients import GradientRecorder
from nnscope.sources.live.modules import modules_of, select
from nnscope.sources.live.sensing import SENSITIVITY, Sensing
from nnscope.sources.live.source import CAPTURED, KINDS, LiveSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import torch

    from nnscope.sources.base import TensorReader
    from nnscope.sources.live.modules import Layers

GRAD, PARAMETER = "grad", "parameter"
STORED = (PARAMETER, "buffer")  # what is not captured but read as it is
ASKED = (PARAMETER, GRAD, *CAPTURED, SENSITIVITY)


class Capture(Mapping[str, "TensorReader"]):
    """What the modules of a model take and give while the ``with`` block runs, by address.

    Reading stays possible after the block. A new forward pass takes the place of the one before.

    Parameters
    ----------
    model : Module
    source : LiveSource
    kinds : sequence of str
        Of `ASKED`.

    Attributes
    ----------
    source : LiveSource
        The same values, and the model's parameters, as a source.
    stored : bool
        Whether parameters and buffers are among what is asked for.
    """

    def __init__(self, model: torch.nn.Module, source: LiveSource, kinds: Sequence[str]) -> None:
        self.source = source
        self.stored = PARAMETER in kinds
        self._gradients = GradientRecorder(model, self._keep_gradient) if GRAD in kinds else None
        self._sensing = Sensing(model) if SENSITIVITY in kinds else None

    def sense(self) -> None:
        """Compute the sensitivity of the call that was heard last, where that is asked for and not done yet.

        It runs the model: to be called where the model is used, and not in another thread beside it.
        """
        recorder = self.source.recorder
        if self._sensing is None or not self._sensing.heard or recorder.within:
            return
        before, recorder.paused = recorder.paused, True
        try:
            found = self._sensing.take()
        finally:
            recorder.paused = before
            if recorder.attached:
                self._sensing.attach()
        if found is not None:
            self.source.captured.adopt(Place("", (), "jacobian", "", self._forward()), found[0], "")

    def __enter__(self) -> Capture:
        try:
            self.source.recorder.attach()
            if self._gradients is not None:
                self._gradients.attach()
            if self._sensing is not None:
                self._sensing.attach()
        except BaseException:
            self._detach()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.sense()
            self._detach()
        finally:  # an interruption may have come in between two hooks
            self._detach()

    def __getitem__(self, address: str) -> TensorReader:
        if self.source.captured.find(address) is None and address not in list(self):
            raise KeyError(address)
        return self.source.reader(address)

    def __iter__(self) -> Iterator[str]:
        self.sense()
        if self.stored:
            yield from (info.address for info in self.source.parameters.infos())
        yield from (info.address for info in self.source.captured_infos())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _keep_gradient(self, name: str, gradient: torch.Tensor) -> None:
        self.source.captured.put(Place(name, (), GRAD, "", self._forward()), gradient)

    def _forward(self) -> int:
        """The number of the newest pass of the whole model."""
        calls = self.source.recorder.calls.get("")
        return 0 if calls is None else calls.forward

    def _detach(self) -> None:
        if self._gradients is not None:
            self._gradients.detach()
        if self._sensing is not None:
            self._sensing.detach()
        self.source.close()


def capture(
    model: torch.nn.Module,
    layers: Layers = "*",
    kinds: Sequence[str] = KINDS,
    tokens: Sequence[str] = (),
    budget: int | Room = ROOM,
) -> Capture:
    """Capture what a model computes by hooks, without changing it.

    Outputs, losses, gradients, parameters and the random state are bit for bit those without capture; hooks raise
    nothing into the model and come off when the block ends, however it ends.

    Parameters
    ----------
    model : Module
    layers : str, iterable of str, or callable
        Which modules: a path or pattern (``"encoder.*"``), several, or a function of the path. All by default.
    kinds : sequence of str
        Of ``"input"``, ``"output"``, and ``"grad_input"`` and ``"grad_output"``, their gradients in a backward pass;
        ``"attention"``, the weights of each head; ``"grad"``, gradients of parameters; ``"parameter"``, parameters and
        buffers as they are when they are read; and ``"sensitivity"``, see `Sensing`, computed when the block ends or
        what was captured is looked at.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.
    budget : int or Room
        Bytes of captured values kept at most; beyond it the newest win, and the listing says which were not kept.

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
    remedy = f"Kinds are {', '.join(map(repr, ASKED))}."
    for kind in kinds:
        if kind not in ASKED:
            raise NnscopeError(f"{kind!r} is no kind of captured value.", "kinds", remedy)
    if not kinds:
        raise NnscopeError("No kind of value is asked for.", "kinds", remedy)
    hooked = tuple(kind for kind in kinds if kind in CAPTURED)
    modules = modules_of(model)
    chosen = select(modules, layers)
    room = budget if isinstance(budget, Room) else Room(budget)
    source = LiveSource(model, type(model).__name__, chosen if hooked else (), hooked, room, tokens)
    return Capture(model, source, kinds)
