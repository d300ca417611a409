"""Parts of large tensors that a run kept, as tensors of their own; and the attention of all its layers as one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import nnscope
from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.address import parse_address
from nnscope.core.errors import NnscopeError
from nnscope.core.tensor import Kept, TensorInfo
from nnscope.sources.base import full_region
from nnscope.sources.kept import shown_info
from nnscope.sources.live.budget import Budget
from nnscope.sources.live.frames import frame_of
from nnscope.sources.live.watching import watch
from nnscope.sources.session import RunSource
from nnscope.store.runs.folder import rank_folder
from nnscope.store.runs.reader import RunReader
from nnscope.store.runs.record import Frame, StepRecord
from nnscope.store.runs.verify import recover, verify
from nnscope.store.runs.writer import Limits, RunWriter

if TYPE_CHECKING:
    from pathlib import Path

HEADS = ("batch", "head", "query", "key")
STACK = "h:attention.layers"
BUDGET = 4096


def captured(address: str, values: np.ndarray, axes: tuple[str, ...] = ()) -> tuple[TensorInfo, np.ndarray]:
    kind = parse_address(address).kind or "parameter"
    return TensorInfo(address, values.shape, values.dtype.name, kind, values.nbytes, axes=axes), values


def kept_of(step: int, *tensors: tuple[TensorInfo, np.ndarray], budget: int = BUDGET) -> StepRecord:
    """What a recording keeps of a step."""
    frames = {info: frame_of(values, budget, info) for info, values in tensors}
    return StepRecord(step, float(step), {}, {info: stats_of_array(values) for info, values in tensors}, frames)


def attention(layer: int, step: int, batch: int = 32, tokens: int = 8) -> tuple[TensorInfo, np.ndarray]:
    """32 × 4 × 8 × 8 shares, of which a budget of 4096 bytes keeps the first four samples."""
    weights = np.random.default_rng((layer, step)).uniform(size=(batch, 4, tokens, tokens)).astype(np.float32)
    return captured(f"h.{layer}.attn:attention", weights / weights.sum(axis=-1, keepdims=True), HEADS)


def tokens(step: int, places: int = 32, features: int = 48) -> tuple[TensorInfo, np.ndarray]:
    """Two samples of token vectors near three directions, each of which is too large for 4096 bytes."""
    rng = np.random.default_rng(step)
    main = (rng.normal(size=(2, places, 3)) * [9, 4, 2]) @ np.linalg.qr(rng.normal(size=(features, 3)))[0].T
    values = (main + 0.01 * rng.normal(size=(2, places, features)) + 1).astype(np.float32)
    return captured("block:output", values, ("", "", "feature"))


def write(folder: Path, *records: StepRecord, rank: tuple[int, int] | None = None) -> Path:
    writer = RunWriter(folder, "Net", (), rank=rank)
    for record in records:
        writer.append(record)
        writer.flush()
    writer.close()
    assert not writer.trouble
    return folder


def layers(step: int, count: int = 3, **how: int) -> list[tuple[TensorInfo, np.ndarray]]:
    return [attention(layer, step, **how) for layer in range(count)]


def test_attention_of_all_layers_where_all_were_kept_alike(tmp_path: Path) -> None:
    unlike = [*layers(3, 2), attention(2, 3, tokens=6)]
    blurred = [kept_of(4, *layers(4, 2)).frames, kept_of(4, attention(2, 4), budget=64).frames]
    run = write(
        tmp_path / "run",
        *(kept_of(step, *layers(step)) for step in (0, 2)),
        kept_of(1, *layers(1, 2)),
        kept_of(3, *unlike),
        StepRecord(4, 4.0, {}, {}, {info: frame for frames in blurred for info, frame in frames.items()}),
        kept_of(6, *layers(6, tokens=7)),
    )
    source = RunSource(run)
    (info,) = (info for info in source.listing().tensors if info.address == STACK)
    assert (info.shape, info.axes, info.version) == ((3, 5, 4, 7, 7), ("layer", *HEADS), 7)
    assert info.note == "the first 5 of 32 samples"
    assert source.series(STACK, "level").steps.tolist() == [0, 2, 6]
    assert np.isnan(source.series(STACK, "level").values).all()  # not whole
    assert source.beginning(f"{STACK}@6") == f"{STACK}@0"
    first = source.reader(f"{STACK}@2")
    assert (first.info.shape, first.info.version) == ((3, 4, 4, 8, 8), 3)
    expected = np.stack([attention(layer, 2)[1][:4] for layer in range(3)])
    assert first.read(full_region(first.info.shape)).tobytes() == expected.tobytes()
    assert source.reader(STACK).info == info
    change = source.reader(f"{STACK}@2-0")
    assert change.info.note == "step 2 − step 0 · the first 4 of 32 samples"
    assert np.allclose(change.read(((1, 2, 1), (0, 4, 1), (0, 4, 1), (0, 8, 1), (0, 8, 1)))[0], _change(1))
    assert source.pooled(STACK).count == sum(source.pooled(f"h.{layer}.attn:attention").count for layer in range(3))
    for step, why in {
        1: r"2 of its 3 layers were kept at step 1",
        3: r"not kept alike at step 3: 4 × 4 × 8 × 8, 7 × 4 × 6 × 6",
        4: r"not kept alike at step 4: 4 × 4 × 8 × 8, .*means of",
        9: r"None of its 3 layers was kept at step 9.*They were at step 6",
    }.items():
        with pytest.raises(NnscopeError, match=why):
            source.reader(f"{STACK}@{step}")
    source.close()


def _change(layer: int) -> np.ndarray:
    return attention(layer, 2)[1][:4].astype(np.float64) - attention(layer, 0)[1][:4]


def test_layers_that_were_never_kept_together_make_no_stack(tmp_path: Path) -> None:
    run = write(tmp_path / "run", kept_of(0, attention(0, 0)), kept_of(1, attention(1, 1)))
    source = RunSource(run)
    assert [info.address for info in source.infos()] == ["h.0.attn:attention", "h.1.attn:attention"]
    with pytest.raises(NnscopeError, match="no tensor of this name"):
        source.reader(STACK)
    source.close()


def test_each_rank_has_its_own(tmp_path: Path) -> None:
    for rank in range(2):
        write(tmp_path / "run", kept_of(0, *layers(10 * rank), tokens(rank)), rank=(rank, 2))
    assert rank_folder(tmp_path / "run", 1).is_dir()
    source = RunSource(tmp_path / "run")
    assert {f"rank{rank}.{STACK}" for rank in range(2)} <= {info.address for info in source.infos()}
    found = source.reader(f"rank1.{STACK}@0").read(((2, 3, 1), *full_region((4, 4, 8, 8))))
    assert found[0].tobytes() == attention(2, 10)[1][:4].tobytes()
    assert source.reader("rank1.block:output").info.note.startswith("made of")
    source.close()


def test_pictures_of_what_was_kept(tmp_path: Path) -> None:
    """Heat maps, PCA colours and attention, in a process of its own; colours are those of the values themselves."""
    run = write(tmp_path / "run", *(kept_of(step, tokens(step), *layers(step)) for step in (0, 5)))
    np.save(tmp_path / "0.npy", tokens(0)[1][0])
    with nnscope.open(run) as kept, nnscope.open(tmp_path / "0.npy") as whole:
        colours = kept["block:output@0"].render(view="rgb", size=(500, 400))
        (true,) = (whole[name].render(view="rgb", size=(500, 400)) for name in whole)
        assert "made of 12 principal components of 48 features" in " ".join(colours.legend.notes)
        places = tuple(slice(100, 300, 3) for _ in range(2))
        _same_colours(colours.rgba[places], true.rgba[places])
        later = kept["block:output@5"].render(view="rgb", size=(500, 400))
        assert "basis aligned to step 0" in later.legend.notes
        overview = kept[f"{STACK}@5"].render(view="attention", size=(500, 400))
        assert "the first 4 of 32 samples" in overview.legend.notes
        assert kept[STACK].kept_steps().tolist() == [0, 5]


def _same_colours(found: np.ndarray, true: np.ndarray) -> None:
    assert found.shape == true.shape
    assert found[..., :3].std() > 20
    assert np.abs(found[..., :3].astype(float) - true[..., :3]).mean() < 12


def test_only_what_was_kept_alike_is_subtracted(tmp_path: Path) -> None:
    info, values = tokens(7)
    items = Frame("items", {"values": values[:1]})
    run = write(
        tmp_path / "run",
        *(kept_of(step, tokens(step)) for step in (0, 1)),
        StepRecord(7, 7.0, {}, {}, {info: items}),
    )
    source = RunSource(run)
    change = source.reader("block:output@1-0")
    assert change.info.note.startswith("step 1 − step 0 · made of 12 principal components of 48 features, 99.9%")
    found = change.read(full_region(change.info.shape))
    assert np.abs(found - (tokens(1)[1][:1].astype(np.float64) - tokens(0)[1][:1])).max() < 0.1
    with pytest.raises(NnscopeError, match="by principal components"):
        source.reader("block:output@7-0")
    source.close()


def test_parts_outlive_joining_thinning_and_recovery(tmp_path: Path) -> None:
    """As many flushes as are joined, in so little room that old frames go."""
    limits = Limits(folder=110_000)
    writer = RunWriter(tmp_path / "run", "Net", (), limits)
    for step in range(20):
        writer.append(kept_of(step, tokens(step), attention(0, step)))
        writer.flush()
    writer.close()
    verdict = recover(tmp_path / "run", tmp_path / "new")
    assert verdict.code == verify(tmp_path / "new").code == 0
    reader = RunReader(tmp_path / "new")
    steps = reader.frame_steps("block:output").tolist()
    assert reader.thinned
    assert 0 < len(steps) < 20
    assert np.isnan(reader.kept("block:output").values).all()  # neither whole nor a level
    for step in steps:
        expected = kept_of(step, tokens(step)).frames[tokens(step)[0]]
        _, info, frame = reader.frame("block:output", step)
        assert (info, frame.projection) == (tokens(step)[0], expected.projection)
        assert all(frame.arrays[name].tobytes() == array.tobytes() for name, array in expected.arrays.items())
    reader.close()


def test_a_level_of_labelled_attention_has_no_labels() -> None:
    info, values = attention(0, 0)
    names = tuple("abcdefgh")
    found = shown_info(replace(info, labels=((), (), names, names)), frame_of(values, 64, info))
    assert (found.ndim, found.labels) == (2, ())


def test_a_part_is_listed_in_the_shape_of_all_and_with_its_statistics(tmp_path: Path) -> None:
    """Weights kept as means of blocks, and outputs of which the first samples were kept."""
    torch.manual_seed(0)
    model = torch.nn.Linear(300, 500, bias=False)
    with watch(model, tmp_path / "run", every=1, budget=Budget(frame=64 << 10)) as run:
        out = model(torch.randn(96, 300))
        out.sum().backward()
        run.step()
    right = {"weight": model.weight.detach().numpy(), "(model):output": out.detach().numpy()}
    with nnscope.open(str(tmp_path / "run")) as kept:
        assert kept["weight"].info.means == 8
        assert kept["(model):output"].info.kept == Kept((96, 500))
        assert kept["(model):output"].shape == (32, 500)
        for name, values in right.items():
            stats, info = kept[f"{name}@0"].stats(), kept[name].info
            assert (info.full_shape, info.full_size, stats.count) == (values.shape, values.size, values.size)
            assert stats.std == pytest.approx(values.std(dtype=np.float64), rel=1e-6)
            assert (stats.min, stats.max) == (values.min(), values.max())
        legend = kept["weight@0"].render(scientific=True, size=(500, 400)).legend
        assert (legend.unit, legend.reduction) == ("mean value", "mean of 8×8")
        assert legend.normalisation.domain == pytest.approx((-right["weight"].max(), right["weight"].max()), rel=0.01)
