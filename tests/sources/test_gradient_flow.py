"""Gradient flow: norms against NumPy's, what stands out, and the picture that says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.errors import NnscopeError
from nnscope.core.layout import planes
from nnscope.core.request import BuildPicture, Probe
from nnscope.core.tensor import TensorInfo
from nnscope.engine.local import LocalEngine
from nnscope.sources.gradient_flow import ADDRESS, columns
from nnscope.sources.session import RunSource
from nnscope.store.runs.record import StepRecord
from nnscope.store.runs.writer import RunWriter

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = ("stem", "block.conv", "head")
STEPS = 20


def gradients(step: int) -> dict[str, np.ndarray]:
    """Of two parameters of each layer: small in the stem, zero or odd at some steps."""
    rng = np.random.default_rng(step)
    found = {}
    for layer, scale in zip(LAYERS, (1e-7, 1.0, 30.0), strict=True):
        found[f"{layer}.weight"] = rng.normal(size=(4, 3)) * scale
        found[f"{layer}.bias"] = rng.normal(size=4) * scale
    if step == 7:
        found["head.weight"][0, 0] = np.nan
    if step == 9:
        found |= {name: np.zeros_like(grad) for name, grad in found.items() if name.startswith("block")}
    if step == 11:
        found |= {name: grad * 1e9 for name, grad in found.items() if name.startswith("head")}
    return found


def write(folder: Path, steps: int = STEPS) -> Path:
    writer = RunWriter(folder, "Net", ())
    for step in range(steps):
        statistics = {}
        for name, grad in reversed(gradients(step).items()):  # as the backward pass has them
            if step == 3 and name == "stem.bias":
                continue
            info = TensorInfo(f"{name}:grad", grad.shape, "float64", "grad", grad.nbytes)
            statistics[info] = stats_of_array(grad)
        for name, grad in gradients(step).items():
            statistics[TensorInfo(name, grad.shape, "float64", nbytes=grad.nbytes)] = stats_of_array(grad)
        parameters = [info for info in statistics if info.kind == "parameter"]
        ordered = dict.fromkeys(parameters) | statistics if step == 0 else statistics
        writer.append(StepRecord(step, float(step), {}, {info: statistics[info] for info in ordered}, {}))
    writer.close()
    return folder


def norm(step: int, layer: str) -> float:
    parts = [grad for name, grad in gradients(step).items() if name.startswith(layer)]
    return float(np.sqrt(sum(np.sum(np.square(part)) for part in parts)))


@pytest.fixture
def engine(tmp_path: Path) -> LocalEngine:
    return LocalEngine(RunSource(write(tmp_path / "run")), inline=True)


def test_norms_are_numpys_in_the_order_of_the_model(engine: LocalEngine) -> None:
    flow = engine.source.reader(ADDRESS)
    info = next(info for info in engine.source.listing().tensors if info.address == ADDRESS)
    assert replace(flow.info, labels=()) == info
    assert (info.shape, info.axes) == ((3, STEPS), ("layer", "step"))
    assert flow.info.labels == (LAYERS, tuple(map(str, range(STEPS))))
    expected = np.array([[norm(step, layer) for step in range(STEPS)] for layer in LAYERS])
    expected[0, 3], expected[2, 7] = np.nan, np.inf
    assert np.allclose(flow.norms, expected, rtol=1e-12, equal_nan=True)
    median = np.median(expected[np.isfinite(expected) & (expected > 0)])
    assert flow.median == pytest.approx(median)
    with np.errstate(divide="ignore"):
        assert np.allclose(flow.values, np.log10(expected / median), rtol=1e-9, equal_nan=True)
    assert flow.values[1, 9] == -np.inf
    assert np.array_equal(flow.read(((0, 2, 1), (4, 9, 2))), flow.values[:2, 4:9:2])


def test_the_picture_says_what_vanishes_and_explodes(engine: LocalEngine) -> None:
    layout = planes((3, STEPS))
    picture = engine.submit(BuildPicture(ADDRESS, layout, "gradient-flow", (), tiles=((0, 0),))).answer()
    assert picture.labels[0] == LAYERS
    assert picture.notes[1:] == ("vanishing (< 1/1000): 20", "exploding (> 1000×): 2")
    found = engine.submit(Probe(ADDRESS, layout, 2, 11, 0, "gradient-flow")).answer()
    assert found.names == (
        f"head: norm {engine.source.reader(ADDRESS).norms[2, 11]!r}".replace("np.float64(", "").rstrip(")"),
        "11",
    )
    assert found.value == engine.source.reader(ADDRESS).values[2, 11]


def test_long_runs_keep_what_is_remarkable(tmp_path: Path) -> None:
    count = 4 * columns(3) + 7
    source = RunSource(write(tmp_path / "run", count))
    flow = source.reader(ADDRESS)
    assert flow.values.shape == (3, columns(3))
    said = f"{count} steps in {columns(3)} columns: each shows that of up to 5 farthest from the median"
    assert {info.note for info in (flow.info, source.listing().tensors[-1])} == {said}
    assert flow.steps[2, np.argmax(np.where(np.isfinite(flow.values[2]), flow.values[2], 0))] == 11
    for row, layer in enumerate(LAYERS):
        for step, value in list(zip(flow.steps[row], flow.norms[row], strict=True))[5::9]:
            assert value == pytest.approx(norm(int(step), layer), rel=1e-12)


def test_a_run_without_gradients_has_no_flow(tmp_path: Path) -> None:
    from tests.store.runs.made import write_run

    write_run(tmp_path / "run", range(3))
    source = RunSource(tmp_path / "run")
    assert ADDRESS not in [info.address for info in source.listing().tensors]
    with pytest.raises(Exception, match="no tensor of this name"):
        source.reader(ADDRESS)


def test_a_film_of_it_can_not_be(tmp_path: Path) -> None:
    with nnscope.open(write(tmp_path / "run")) as run:
        assert run[ADDRESS].kept_steps().tolist() == []
        with pytest.raises(NnscopeError, match=r"It is one picture of all steps.*`nnscope render` draws it"):
            run[ADDRESS].animate(tmp_path / "flow.mp4")
    assert not (tmp_path / "flow.mp4").exists()
