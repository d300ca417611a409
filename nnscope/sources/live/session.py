"""A model at work in its process: one sample runs through it and is captured, and it can be trained meanwhile.

Everything that runs or changes the model does so inside the source's `StepLock`, so that whoever reads a parameter
reads it between two steps; running a sample counts as reading and goes before the next step. These hooks see the chosen
sample only: they are paused while training steps run. A training is recorded and attached to as any other.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from nnscope.core.answer import Changed
from nnscope.core.errors import NnscopeError
from nnscope.sources.live.evaluating import evaluating
from nnscope.sources.live.members import tensors_of
from nnscope.sources.live.sensitivity import Call

if TYPE_CHECKING:
    from nnscope.core.request import Scalar, Settings
    from nnscope.sources.live.source import LiveSource
    from nnscope.sources.live.watching import Watch

STOPPING = 30.0  # seconds a step may take after `stop_training`

Record = Callable[[torch.nn.Module, str], "Watch"]  # begins to record a model in a folder, or in one for a while
Train = Callable[[torch.nn.Module, int], Iterator[Mapping[str, "Scalar"]]]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What can be done with a model.

    Attributes
    ----------
    labels : tuple of str
        One for each sample.
    load : callable
        ``load(i)`` gives the positional and keyword arguments of one forward call.
    classes : tuple of str
        Names of the classes, when the first output of shape (1, classes) holds logits.
    train : callable or None
        See `nnscope.core.registry.ModelSpec`.
    """

    labels: tuple[str, ...] = ()
    load: Callable[[int], tuple[tuple[Any, ...], Mapping[str, Any]]] | None = None
    classes: tuple[str, ...] = ()
    train: Train | None = None


@dataclass(slots=True)
class _State:
    """What the listing tells of the session."""

    sample: int = 0
    training: bool = False
    probabilities: tuple[float, ...] = ()
    run: str = ""
    error: str = ""
    trouble: str = ""


class Session:
    """Runs samples through ``model`` and trains it.

    Parameters
    ----------
    model : Module
        Kept alive by this.
    source : LiveSource
        Of the same model.
    material : Material
    on_change : callable
        Told of each change, from whichever thread made it.
    record : callable
        How a training is recorded, as any other is (`watch`). With None the model can't be trained.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        source: LiveSource,
        material: Material,
        on_change: Callable[[Changed], None],
        record: Record | None = None,
    ) -> None:
        self._model = model
        self._source = source
        self._material = material
        self._on_change = on_change
        self._record = record
        self._state = _State()
        self._stop = threading.Event()
        self._trainer: threading.Thread | None = None
        source.recorder.paused = True
        source.recorder.attach()
        source.live = self.describe
        source.given = self._given
        source.warnings = self._warnings

    def describe(self) -> dict[str, object]:
        """What `Listing.live` holds."""
        state, classes = self._state, self._material.classes
        best = max(range(len(state.probabilities)), key=state.probabilities.__getitem__, default=None)
        return {
            "samples": self._material.labels,
            "sample": state.sample,
            "can_train": self._material.train is not None and self._record is not None,
            "training": state.training,
            "classes": classes,
            "prediction": None if best is None else classes[best],
            "probabilities": state.probabilities,
            "run": state.run,
            **({"error": state.error} if state.error else {}),
        }

    def choose(self, index: int) -> None:
        """Run sample ``index`` and tell of what changed.

        Raises
        ------
        NnscopeError
            If there is no such sample.
        """
        if not 0 <= index < len(self._material.labels):
            raise NnscopeError("There is no such sample.", str(index), f"There are {len(self._material.labels)}.")
        self._state.sample = index
        self.run_sample()
        addresses = tuple(info.address for info in self._source.captured_infos())
        self._on_change(Changed(self._source.next_version(), addresses, self._status()))

    def run_sample(self) -> None:
        """Run the chosen sample, captured, in evaluation mode and without a graph; what goes wrong is a warning."""
        if self._material.load is None:
            return
        args, kwargs = self._material.load(self._state.sample)
        try:
            with self._source.lock.read(), torch.no_grad(), evaluating(self._model), self._recording():
                output = self._model(*args, **kwargs)
        except Exception as error:
            self._state.trouble = f"The sample could not be run ({type(error).__name__}: {error})."
            self._state.probabilities = ()
        else:
            self._state.trouble = ""
            self._state.probabilities = _probabilities(output, len(self._material.classes))

    def start_training(self, seed: int = 0, folder: str = "") -> None:
        """Train from scratch in a thread of its own, recorded: the description says where to attach, as ``run``.

        Parameters
        ----------
        seed : int
        folder : str
            Where the run is kept; only as long as somebody is attached if empty.

        Raises
        ------
        NnscopeError
            If this model can't be trained, or is being trained, or not recorded there.
        """
        if self._material.train is None or self._record is None:
            raise NnscopeError("There is no training procedure for this model.", self._source.path)
        if self._trainer is not None and self._trainer.is_alive():
            raise NnscopeError("The model is being trained already.", self._source.path, "Stop it first.")
        self._stop.clear()
        run = self._record(self._model, folder)
        self._state.training, self._state.run, self._state.error = True, run.address, ""
        steps = self._material.train(self._model, seed)
        self._trainer = threading.Thread(target=self._train, args=(steps, run), name="nnscope-training", daemon=True)
        self._trainer.start()

    def stop_training(self) -> None:
        """Stop after the present step and keep the model as it is. Does nothing when it isn't being trained."""
        self._stop.set()
        if self._trainer is not None:
            self._trainer.join(STOPPING)

    def close(self) -> None:
        """Stop training and take the hooks off. Idempotent."""
        self.stop_training()
        self._source.close()

    def _given(self) -> Call:
        if self._material.load is None:
            raise NnscopeError("There is no sample input to run this model on.", self._source.path)
        return Call(*self._material.load(self._state.sample))

    def _train(self, steps: Iterator[Mapping[str, Scalar]], run: Watch) -> None:
        try:
            with run:
                self._take_steps(steps, run)
        except Exception as error:  # of the training procedure: told, and the model stays
            self._state.error = f"Training stopped ({type(error).__name__}: {error})."
        finally:
            self._state.training = False
            self.run_sample()
            self._on_change(Changed(self._source.next_version(), (), self._status()))

    def _take_steps(self, steps: Iterator[Mapping[str, Scalar]], run: Watch) -> None:
        while not self._stop.is_set():
            with self._source.lock.step():
                status = next(steps, None)
                if status is None:
                    return
                step = status.get("step")
                numbers = {name: value for name, value in status.items() if isinstance(value, float)}
                run.step(step if isinstance(step, int) else None, **numbers)

    def _status(self) -> Settings:
        told: dict[str, Any] = self.describe()
        return tuple((key, told[key]) for key in ("training", "sample", "prediction", "run", "error") if key in told)

    def _warnings(self) -> tuple[str, ...]:
        if self._material.load is None:
            return ("There are no example inputs, so only parameters are shown: return the model and its inputs.",)
        return (self._state.trouble,) if self._state.trouble else ()

    @contextlib.contextmanager
    def _recording(self) -> Iterator[None]:
        self._source.recorder.paused = False
        try:
            yield
        finally:
            self._source.recorder.paused = True


def _probabilities(output: Any, classes: int) -> tuple[float, ...]:
    for _, tensor in tensors_of(output):
        if classes and tuple(tensor.shape) == (1, classes):
            return tuple(torch.softmax(tensor[0].double(), 0).tolist())
    return ()
