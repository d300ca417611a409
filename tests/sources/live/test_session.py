"""A session runs the chosen sample, trains, and leaves the model as the user made it otherwise."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnscope.core.answer import Changed, ControlAnswer
from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.request import Control, GetStats, ListTensors
from nnscope.engine.attach import attach
from nnscope.engine.live import LiveEngine, record_training
from nnscope.sources.live.session import Material, Session
from nnscope.sources.live.source import LiveSource
from nnscope.sources.live.watching import Watch, watch
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.writer import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop, self.head = nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.drop(self.norm(x)))


def load(index: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (torch.full((1, 4), float(index)),), {}


MATERIAL = Material(("zero", "one", "two"), load, ("a", "b", "c"))


def make(model: nn.Module, material: Material = MATERIAL) -> tuple[Session, LiveSource, list[Changed]]:
    seen: list[Changed] = []
    source = LiveSource(model, "demo:test")
    return Session(model, source, material, seen.append, begin), source, seen


def begin(model: nn.Module, folder: str) -> Watch:
    """Record in a folder, as a window's model process does; nobody attaches here."""
    return watch(model, folder, every=20, limits=Limits(seconds=0.05))


def read(source: LiveSource, address: str) -> np.ndarray:
    reader = source.reader(address)
    return reader.read(tuple((0, n, 1) for n in reader.info.shape))


def test_the_chosen_sample_is_what_is_captured() -> None:
    model = Net()
    session, source, seen = make(model)
    session.choose(2)
    np.testing.assert_array_equal(read(source, "(model):input"), np.full((1, 4), 2))
    model.eval()
    logits = model(torch.full((1, 4), 2.0)).detach()
    np.testing.assert_array_equal(read(source, "(model):output"), logits.numpy())
    told = source.listing().live
    assert told["samples"] == ("zero", "one", "two")
    assert told["sample"] == 2
    np.testing.assert_allclose(told["probabilities"], torch.softmax(logits[0], 0), rtol=1e-6)
    assert told["prediction"] == "abc"[int(logits.argmax())]
    assert told["can_train"] is False
    assert [dict(notice.status)["sample"] for notice in seen] == [2]
    session.close()


def test_running_a_sample_changes_neither_mode_nor_state_nor_random_numbers() -> None:
    model = Net().train()
    model.norm.eval()
    session, _, _ = make(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random = torch.get_rng_state()
    session.run_sample()
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert [module.training for module in (model, model.norm, model.drop)] == [True, False, True]
    session.close()
    assert not any(module._forward_hooks for module in model.modules())


def test_a_sample_that_cannot_be_run_is_a_warning() -> None:
    session, source, _ = make(nn.Linear(7, 2))
    session.run_sample()
    (warning,) = source.listing().warnings
    assert warning.startswith("The sample could not be run (RuntimeError")
    assert source.listing().live["prediction"] is None
    assert source.reader("weight").info.shape == (2, 7)
    session.close()


def test_without_example_inputs_there_are_parameters_and_a_sentence() -> None:
    session, source, _ = make(nn.Linear(2, 2), Material())
    session.run_sample()
    listing = source.listing()
    assert [info.address for info in listing.tensors] == ["weight", "bias"]
    assert "no example inputs" in listing.warnings[0]
    with pytest.raises(NnscopeError, match="no such sample"):
        session.choose(0)
    with pytest.raises(NnscopeError, match="no training procedure"):
        session.start_training()
    session.close()


def counting(model: nn.Module, seed: int) -> Iterator[dict[str, Any]]:
    for step in range(1, 1_000_000):
        with torch.no_grad():
            model.head.weight.fill_(seed + step)
        model(torch.zeros(2, 4))  # a training pass, which is not to be captured
        time.sleep(0.001)
        yield {"step": step, "loss": 1 / step}


def test_training_is_recorded_until_stopped_and_keeps_the_model(tmp_path: Path) -> None:
    model = Net()
    session, source, seen = make(model, Material(MATERIAL.labels, load, MATERIAL.classes, counting))
    session.start_training(100, str(tmp_path / "run"))
    with pytest.raises(NnscopeError, match="being trained already"):
        session.start_training()
    run = RunReader(tmp_path / "run")
    pause = threading.Event()
    while len(run.frame_steps("head.weight")) < 3:
        pause.wait(0.02)
        run.refresh()
    assert source.listing().live["training"] is True
    session.stop_training()
    assert [dict(notice.status)["training"] for notice in seen] == [False]  # what is trained is seen in the run
    run.refresh()
    losses = run.scalar("loss")
    assert losses.values.tolist() == [1 / step for step in losses.steps.tolist()]
    assert losses.steps.tolist() == list(range(1, len(losses.steps) + 1))
    for step in run.frame_steps("head.weight").tolist():
        assert step % 20 == 1
        assert run.frame("head.weight", step)[2].arrays["values"].max() == 100 + step
    assert read(source, "head.weight").max() == 100 + losses.steps[-1]
    assert read(source, "(model):input").shape == (1, 4)  # the sample's, and no batch of the training
    assert run.frame("(model):output")[1].shape == (2, 3)  # that batch's
    run.close()
    session.stop_training()
    session.start_training(0, str(tmp_path / "again"))
    session.close()
    assert session.describe()["training"] is False
    with pytest.raises(NnscopeError, match="holds a recorded run already"):
        session.start_training(0, str(tmp_path / "run"))
    assert session.describe()["training"] is False


def failing(model: nn.Module, seed: int) -> Iterator[dict[str, Any]]:
    yield {"step": 1, "loss": 1.0}
    raise ValueError("the loss is not a number")


def test_training_that_fails_is_told(tmp_path: Path) -> None:
    session, source, seen = make(Net(), Material(MATERIAL.labels, load, MATERIAL.classes, failing))
    session.start_training(folder=str(tmp_path / "run"))
    assert session._trainer is not None
    session._trainer.join(10)
    status = dict(seen[-1].status)
    assert status["training"] is False
    assert status["error"] == "Training stopped (ValueError: the loss is not a number)."
    assert source.listing().live["error"] == status["error"]
    session.close()


@pytest.fixture
def engine() -> Iterator[LiveEngine]:
    model = Net()
    source = LiveSource(model, "demo:test")
    engine = LiveEngine(source)
    material = Material(MATERIAL.labels, load, MATERIAL.classes, counting)
    session = Session(model, source, material, engine.notices.emit, record_training)
    session.run_sample()
    engine.obey(session)
    yield engine
    engine.close()


def test_a_live_engine_answers_and_obeys(engine: LiveEngine) -> None:
    seen: list[Changed] = []
    engine.notices.connect(seen.append)
    assert engine.submit(ListTensors()).answer(10).live["sample"] == 0
    answer = engine.submit(Control("sample", (("index", 1),))).answer(10)
    assert isinstance(answer, ControlAnswer)
    assert dict(answer.result)["sample"] == 1
    assert engine.submit(GetStats("(model):input")).answer(10).mean == 1
    began = engine.submit(Control("train", (("seed", 5),))).answer(10)
    assert began.command == "train"
    attached = attach(dict(began.result)["run"])
    assert attached.submit(ListTensors()).answer(20).format == "run"
    assert engine.submit(Control("stop")).answer(40).command == "stop"
    attached.close()
    assert seen
    failure = engine.submit(Control("dance")).answer(10)
    assert isinstance(failure, Failure)
    assert "Commands are" in failure.remedy
    engine.notices.disconnect(seen.append)


def test_closing_twice_and_asking_afterwards(engine: LiveEngine) -> None:
    engine.submit(Control("train")).answer(10)
    engine.close()
    engine.close()
    for request in (ListTensors(), Control("train")):
        assert engine.submit(request).answer(1).code == "closed"


def test_sample_is_not_starved_by_training(engine: LiveEngine) -> None:
    engine.submit(Control("train")).answer(10)
    answers = [engine.submit(Control("sample", (("index", i % 3),))) for i in range(10)]
    assert [dict(job.answer(10).result)["sample"] for job in answers] == [i % 3 for i in range(10)]
