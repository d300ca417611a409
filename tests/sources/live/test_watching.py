"""``watch``: a recorded run is what was trained, and training is what it would have been without."""

from __future__ import annotations

import copy
import io
import os
import pickle
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from nnscope.core.errors import NnscopeError
from nnscope.core.layout import sheet
from nnscope.sources.live import recording as recording_module
from nnscope.sources.live.frames import as_matrix, frame_of
from nnscope.sources.live.pace import Pace
from nnscope.sources.live.watching import watch
from nnscope.sources.session import RunSource
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.verify import recover, verify
from nnscope.store.runs.writer import Limits
from tests.sources.live.hostilemodels import MODELS
from tests.sources.live.test_hostile_models import build, contents, fingerprint, keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.head = nn.Linear(4 * 36, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.act(self.norm(self.stem(x))).flatten(1))


def steps_of(model: nn.Module, count: int) -> Iterator[tuple[float, dict[str, np.ndarray], torch.Tensor]]:
    """Train; after each step the loss, copies of the gradients, and the model's output."""
    torch.manual_seed(1)
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    for _ in range(count):
        output = model(torch.randn(5, 1, 8, 8))
        loss = output.logsumexp(1).mean() - output[:, 3].mean()
        optimizer.zero_grad()
        loss.backward()
        gradients = {name: p.grad.numpy().copy() for name, p in model.named_parameters()}
        optimizer.step()
        yield loss.item(), gradients, output.detach()


def test_a_run_holds_what_was_trained(tmp_path: Path) -> None:
    model = build(Net)
    weights, outputs, losses, gradients = [], [], [], []
    with watch(model, tmp_path / "run", every=2) as run:
        for loss, grads, output in steps_of(model, 7):
            losses.append(loss)
            gradients.append(grads)
            outputs.append(output.numpy().copy())
            weights.append(model.head.weight.detach().numpy().copy())
            run.step(loss=loss, tensor=torch.tensor(loss / 2))
    assert (run.looks, run.dropped, run.trouble, run.step_number) == (4, 0, "", 6)
    reader = RunReader(tmp_path / "run")
    assert reader.scalar("loss").values.tolist() == losses
    assert reader.scalar("tensor").values.tolist() == [float(torch.tensor(loss / 2)) for loss in losses]
    assert reader.frame_steps("head.weight").tolist() == [0, 2, 4, 6]
    for step in (0, 2, 4, 6):
        for address, values in (
            ("head.weight", weights[step]),
            ("head:output", outputs[step]),
            ("(model):output", outputs[step]),
            ("head.weight:grad", gradients[step]["head.weight"]),
        ):
            _, info, frame = reader.frame(address, step)
            assert frame.arrays["values"].tobytes() == values.tobytes(), (address, step)
            assert info.shape == values.shape
            stats = reader.statistics(address, step)
            assert stats.mean == pytest.approx(values.mean(dtype=np.float64), rel=1e-6, abs=1e-9)
            assert stats.histogram.sum() == stats.finite == values.size
    assert reader.tensors()["norm.running_mean"].kind == "buffer"
    assert reader.tensors()["stem.weight:grad"].kind == "grad"
    assert ("stem", "Conv2d") in reader.meta.modules
    assert verify(tmp_path / "run").code == 0
    reader.close()


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
def test_training_is_bit_for_bit_the_same(make, tmp_path: Path) -> None:
    def train(model: nn.Module, folder: Path | None) -> list:
        torch.manual_seed(1)
        run = watch(model, folder, every=1) if folder else None
        seen, optimizer = [], None
        for _ in range(3):
            output = model(torch.randn(4, 6, requires_grad=True))
            loss = output.float().square().sum()
            if loss.requires_grad:
                loss.backward()
                if list(model.parameters()):
                    optimizer = optimizer or torch.optim.SGD(model.parameters(), 0.1)
                    optimizer.step()
            if run:
                run.step(loss=loss)
            seen += [fingerprint(output), fingerprint(loss)]
            seen.append({name: fingerprint(p.grad) for name, p in model.named_parameters()})
        if run:
            run.close()
            assert not run.trouble
        return [*seen, fingerprint(dict(model.state_dict())), fingerprint(torch.get_rng_state())]

    watched = build(make)
    before = keys(contents(watched))
    assert train(build(make), None) == train(watched, tmp_path / "run")
    assert keys(contents(watched)) == before
    assert all(not p._post_accumulate_grad_hooks for p in watched.parameters() if p._post_accumulate_grad_hooks)


def test_a_watched_model_is_copied_and_saved_as_ever(tmp_path: Path) -> None:
    model = build(Net)
    with watch(model, tmp_path / "run", every=1) as run:
        for _ in steps_of(model, 1):
            run.step()
        buffer = io.BytesIO()
        torch.save(model, buffer)
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert fingerprint(dict(other.state_dict())) == fingerprint(dict(model.state_dict()))
            assert not any(p._post_accumulate_grad_hooks for p in other.parameters())


def test_what_was_not_computed_is_not_recorded(tmp_path: Path) -> None:
    """A part that rests in a step has no output then, rather than an old one."""
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    with watch(model, tmp_path / "run", every=1) as run:
        for step in range(4):
            model["a"](torch.ones(1, 2))
            if step % 2:
                model["b"](torch.ones(1, 2))
            run.step()
    reader = RunReader(tmp_path / "run")
    assert reader.frame_steps("a:output").tolist() == [0, 1, 2, 3]
    assert reader.frame_steps("b:output").tolist() == [1, 3]
    reader.close()


def test_odd_numbers_are_left_out_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with watch(nn.Linear(2, 2), tmp_path / "run", every=1) as run:
        for _ in range(3):
            run.step(loss=float("nan"), text="none", many=torch.ones(3), whole=3)
    reader = RunReader(tmp_path / "run")
    assert reader.scalar_names == ("loss", "whole")
    assert np.isnan(reader.scalar("loss").values).all()
    assert sum("is not recorded" in line.message for line in caplog.records) == 2
    assert not run.trouble
    reader.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kinds": ("outptu",)}, "no kind of value"),
        ({"every": 0}, "more often than each"),
        ({"every": 2.5}, "every=2.5: Steps are counted in whole numbers. Give 1 or more."),
        ({"layers": []}, "No module is asked for."),
        ({"layers": "enc*"}, "No module of the model matches"),
    ],
)
def test_wrong_arguments_are_one_sentence(tmp_path: Path, arguments: dict, words: str) -> None:
    with pytest.raises(NnscopeError, match=words):
        watch(nn.Linear(2, 2), tmp_path / "run", **arguments)
    assert not (tmp_path / "run").exists()


def test_a_slow_disk_loses_looks_and_never_time(tmp_path: Path) -> None:
    """Copies beyond the bytes that may wait are dropped, oldest first, and counted; numbers are all kept."""
    model = nn.Linear(20, 20)  # 1.6 KB a look
    run = watch(model, tmp_path / "run", every=1, kinds=("parameter",), budget=5 * 4000)
    with run._recording._wake:  # the thread can take nothing meanwhile
        for step in range(50):
            run.step(loss=step)
    run.close()
    assert run.dropped == 48
    reader = RunReader(tmp_path / "run")
    assert len(reader.scalar("loss").steps) == 50
    assert reader.frame_steps("weight").tolist() == [48, 49]
    reader.close()


@pytest.mark.logs_errors
def test_training_goes_on_when_the_recording_can_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def losses(folder: Path | None) -> list[float]:
        model = build(Net)
        run = watch(model, folder, every=1, limits=Limits(seconds=0.0)) if folder else None
        found = []
        for number, (loss, _, _) in enumerate(steps_of(model, 12)):
            found.append(loss)
            if run and number == 4:
                folder.rename(folder.with_name("gone"))  # in one piece, for something is being written there
            if run:
                run.step(loss=loss)
        if run:
            run.close()
            assert "Training goes on." in run.trouble
        return found

    assert losses(None) == losses(tmp_path / "run")
    assert len([line for line in caplog.records if "stopped" in line.message]) == 1


def test_a_forked_child_records_nothing(tmp_path: Path) -> None:
    """Data loaders fork: a child's exit must not end or double the parent's recording."""
    with watch(nn.Linear(2, 2), tmp_path / "run", every=1) as run:
        run.step(0)
        child = os.fork()
        if not child:
            try:
                run.step(1)
                run.close()
            finally:
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        run.step(2)
    reader = RunReader(tmp_path / "run")
    assert reader.steps.tolist() == [0, 2]
    reader.close()


def test_looks_are_spaced_by_what_they_cost() -> None:
    pace = Pace(None, share=0.1)
    assert pace.is_due(0)
    pace.looked(0.0)
    assert not pace.is_due(1)
    assert pace.rest_after(2.0) == pytest.approx(18.0)
    pace.recorded()
    time.sleep(0.15)
    assert pace.is_due(2)
    pace.looked(1000.0)
    pace.recorded()
    assert not pace.is_due(3)
    pace = Pace(5)
    assert [step for step in range(12) if pace.is_due(step)] == [0, 5, 10]
    assert pace.rest_after(2.0) == 0.0


def test_numbers_do_not_wait_for_tensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a look is worked off slowly, the numbers of the steps after it reach the disk in their time (P14)."""
    monkeypatch.setattr(Pace, "rest_after", lambda pace, seconds: 0.3)
    model = build(Net)
    with watch(model, tmp_path / "run", limits=Limits(seconds=0.05)) as run:
        for loss, _, _ in steps_of(model, 4):
            run.step(loss=loss)
        reader = RunReader(tmp_path / "run")
        until = time.monotonic() + 20
        while len(reader.steps) < 4 and time.monotonic() < until:
            time.sleep(0.02)
            reader.refresh()
        assert reader.steps.tolist() == [0, 1, 2, 3]
        assert reader.frame("head.weight") is None  # the first look is still at work
    reader.refresh()
    assert reader.frame_steps("head.weight").tolist() == [0, 3]  # and as training left it
    assert reader.steps.tolist() == [0, 1, 2, 3]
    reader.close()


def test_the_end_does_not_wait_for_a_rest(tmp_path: Path) -> None:
    """At the default rate a look is worked off slowly, and the last one at once when the run is closed."""
    model = build(Net)
    begun = time.monotonic()
    with watch(model, tmp_path / "run") as run:
        for loss, _, _ in steps_of(model, 3):
            run.step(loss=loss)
    assert time.monotonic() - begun < 20
    reader = RunReader(tmp_path / "run")
    assert reader.frame_steps("head.weight").tolist() == [0, 2]
    assert len(reader.scalar("loss").steps) == 3
    reader.close()


SHAPES = [(), (0,), (7,), (5000,), (40, 30), (3, 4, 50, 60), (0, 3), (1, 9001), (5, 30, 20), (8, 6, 3, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_matrix_of_a_frame_is_laid_out_as_its_heat_map(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    if not values.size:
        return
    layout = sheet(shape)
    grid, padding = as_matrix(values)
    assert grid.shape == layout.grid
    assert grid.size - (padding.sum() if padding is not None else 0) == values.size  # none is left out
    rng = np.random.default_rng(1)
    for row, col in zip(rng.integers(0, grid.shape[0], 200), rng.integers(0, grid.shape[1], 200), strict=True):
        index = layout.index_at(int(row), int(col))
        assert (index is None) == (padding is not None and bool(padding[row, col]))
        assert index is None or grid[row, col] == values[index]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("most", [0, 64, 2000])
def test_frames_fit_and_tell_the_truth(shape: tuple[int, ...], most: int) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    frame = frame_of(values, most)
    if frame.form == "raw":
        assert frame.arrays["values"].tobytes() == values.tobytes()
        assert values.nbytes <= most or values.size <= 1
        return
    assert frame.nbytes <= max(most, 16)
    grid, padding = as_matrix(values)
    whole = np.where(padding, np.nan, grid) if padding is not None else grid
    side = 2**frame.level
    for row, col in ((0, 0), (frame.arrays["mean"].shape[0] - 1, frame.arrays["mean"].shape[1] - 1)):
        block = whole[row * side : (row + 1) * side, col * side : (col + 1) * side].astype(np.float64)
        assert frame.arrays["mean"][row, col] == pytest.approx(np.nanmean(block), rel=1e-5, abs=1e-6)
        assert frame.arrays["std"][row, col] == pytest.approx(np.nanstd(block), rel=1e-4, abs=1e-6)
        assert frame.arrays["max"][row, col] == np.nanmax(block)


def test_what_closing_has_no_time_for_is_told_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Slow statistics, and next to no time for them at the end."""
    slow = recording_module.direct_stats
    monkeypatch.setattr(recording_module, "direct_stats", lambda values: (time.sleep(0.05), slow(values))[1])
    monkeypatch.setattr(recording_module, "CLOSING", 1.0)
    monkeypatch.setattr(recording_module, "FLUSHING", 0.9)
    model = build(Net)
    with watch(model, tmp_path / "run", every=1) as run:
        losses = []
        for loss, *_ in steps_of(model, 12):
            losses.append(loss)
            run.step(loss=loss)
    verdict, reader = verify(tmp_path / "run"), RunReader(tmp_path / "run")
    looked_at = reader.frame_steps("stem.weight").tolist()
    reader.close()
    assert reader.scalar("loss").values.tolist() == losses  # numbers are there, whatever becomes of tensors
    lost = 12 - len(reader.frame_steps("head:output"))
    assert 0 < lost <= 12
    assert looked_at == list(range(len(looked_at)))
    (sentence,) = verdict.lost
    last = f"steps {12 - lost} to 11" if lost > 1 else "step 11"
    assert sentence == (
        f"{lost} of the last looks at tensors, of {last}, could not be written within the 1 s that closing may take."
    )
    assert (verdict.code, run.trouble) == (3, sentence)
    assert sentence in caplog.text
    assert sentence in RunSource(tmp_path / "run").listing().warnings
    recover(tmp_path / "run", tmp_path / "new")
    assert (verify(tmp_path / "new").code, sentence in verify(tmp_path / "new").meta.notes) == (0, True)


def test_no_hook_is_on_while_nothing_is_looked_at(tmp_path: Path) -> None:
    model = build(Net)
    hooks = []
    with watch(model, tmp_path / "run", every=3) as run:
        for loss, *_ in steps_of(model, 7):
            hooks.append(len(model.stem._forward_hooks) + len(model.stem.weight._post_accumulate_grad_hooks or ()))
            run.step(loss=loss)
    assert hooks == [2, 0, 0, 2, 0, 0, 2]


class Dropping(Net):
    """With what draws random numbers and keeps running statistics."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(super().forward(x), 0.3, self.training)


def test_sensitivity_is_that_of_the_batch_and_changes_nothing(tmp_path: Path) -> None:
    plain, watched = build(Dropping), build(Dropping)
    losses = [loss for loss, *_ in steps_of(plain, 5)]
    batches, seen, jacobians = [], [], []
    hook = watched.stem.register_forward_pre_hook(lambda module, args: batches.append(args[0].detach().clone()))
    with watch(watched, tmp_path / "run", every=2, kinds=("sensitivity", "parameter", "output")) as run:
        for at, (loss, *_) in enumerate(steps_of(watched, 5)):
            seen.append(loss)
            if at == 4:
                last, state = batches[-1], copy.deepcopy(watched).eval()
                jacobians.append(torch.autograd.functional.jacobian(state, last).numpy().astype(np.float64))
            before = {name: p.grad.clone() for name, p in watched.named_parameters()}
            run.step(loss=loss)
            assert all(torch.equal(p.grad, before[name]) for name, p in watched.named_parameters())
    hook.remove()
    assert seen == losses
    states = plain.state_dict(), watched.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    right = (jacobians[0] ** 2).sum(axis=(0, 1))
    _, info, frame = RunReader(tmp_path / "run").frame("(model):jacobian", 4)
    assert (info.kind, info.shape) == ("jacobian", (5, 1, 8, 8))
    norms = RunReader(tmp_path / "run").scalar("sensitivity")
    assert norms.steps.tolist() == [0, 2, 4]
    assert norms.values[-1] == pytest.approx(np.sqrt(right.sum()), rel=0.15)
    found = frame.arrays["values"]
    assert np.corrcoef(found.ravel(), right.ravel())[0, 1] > 0.8


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attend(x, x, x)[0]


def test_names_of_tokens_are_kept_with_recorded_attention(tmp_path: Path) -> None:
    model, tokens = Attending(), ("the", "cat", "sat")
    with watch(model, tmp_path / "run", every=1, kinds=("attention",), tokens=tokens) as run:
        for _ in range(2):
            model(torch.randn(1, 3, 8)).sum().backward()
            run.step()
    assert run.trouble == ""
    infos = [info for info in RunSource(tmp_path / "run").listing().tensors if info.kind == "attention"]
    assert infos
    assert all(info.labels[-2:] == (tokens, tokens) for info in infos)


def test_the_last_weights_are_in_the_run_and_told_as_such(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    with watch(model, tmp_path / "run") as run:
        for step in range(40):
            with torch.no_grad():
                model.weight.fill_(step)
            run.step(loss=step)
    source = RunSource(tmp_path / "run")
    reader = source.reader("weight@39")
    assert reader.read(((0, 2, 1), (0, 3, 1))).tolist() == [[39] * 3] * 2
    assert reader.info.note == "as the model was when recording ended"
    assert source.series("", "loss").steps.tolist() == list(range(40))
    source.close()
