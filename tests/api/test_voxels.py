"""Voxels through the front door: hostile shapes and values, one voxel among millions, exact leaves, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscope
from nnscope.core.layout import volume_layout
from nnscope.core.request import BuildSpace, ProbeSpace
from nnscope.core.voxels import LeafPicture, VoxelPicture
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (640, 420)


def _saved(folder: Path, x: np.ndarray) -> Path:
    np.save(folder / "x.npy", x)
    return folder / "x.npy"


def _picture(folder: Path, x: np.ndarray, **how: Any) -> Any:
    with nnscope.open(_saved(folder, x)) as source:
        return source["x"].render(view="voxels", size=SIZE, **how)


def _built(folder: Path, x: np.ndarray, level: int = 0, **settings: float) -> Any:
    with nnscope.open(_saved(folder, x)) as source:
        given = tuple(sorted(settings.items()))
        return source["x"]._client.ask(BuildSpace("x", volume_layout(x.shape), "voxels", given, level=level))


@pytest.mark.gl
@pytest.mark.parametrize("shape", [(1, 1, 1), (2049, 4, 4), (4096, 64, 64), (4, 3, 7, 7)], ids=str)
def test_shapes_of_all_kinds_are_drawn(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).integers(-3, 4, shape).astype(np.float16)
    picture = _picture(tmp_path, x, threshold=0)
    assert len(np.unique(picture.rgba[60:, :450].reshape(-1, 4), axis=0)) > 5


@pytest.mark.gl
@pytest.mark.parametrize("distance", [0.6, 5, 95])
def test_one_hot_voxel_among_millions_is_seen_from_every_distance(tmp_path: Path, distance: float) -> None:
    x = np.zeros((256, 256, 256), np.float16)
    x[127, 129, 128] = 1
    how: dict[str, Any] = {"limits": (0, 1), "scientific": True, "normalisation": "linear"}
    hot = _picture(tmp_path, np.ones((2, 2, 2), np.float16), camera=(0, 0, 2), **how).rgba[SIZE[1] // 2, 260, :3]
    picture = _picture(tmp_path, x, camera=(31, -17, distance), threshold=0.5, **how)
    assert (picture.rgba[60:, :450, :3] == hot).all(-1).any()
    assert picture.faithful


@pytest.mark.gl
def test_nothing_but_nan_and_nothing_but_one_value(tmp_path: Path) -> None:
    for x in (np.full((9, 9, 9), np.nan, np.float32), np.full((9, 9, 9), 3, np.int8)):
        colours = np.unique(_picture(tmp_path, x, threshold=0, scientific=True).rgba[120:300, 200:320], axis=(0))
        assert len(colours)
    assert len(_built(tmp_path, np.full((9, 9, 9), 3, np.int8)).values) == 1


def test_without_a_tolerance_voxels_are_the_volume_bit_for_bit(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(-2, 3, (33, 20, 47)).astype(np.float32) / 3
    x[3, 4, 5], x[6, 7, 8] = np.nan, -np.inf
    built = _built(tmp_path, x)
    assert isinstance(built, VoxelPicture)
    finite = np.isfinite(x)
    assert (built.values[finite] == x[finite]).all()
    assert built.states is not None
    assert ((built.states == 0) == finite).all()
    assert built.facts.max_error == 0


def test_leaves_keep_their_tolerance_and_say_what_they_save(tmp_path: Path) -> None:
    x = np.add.outer(np.add.outer(np.arange(32), np.arange(32)), np.arange(32)).astype(np.float32)
    fine, coarse = _built(tmp_path, x, epsilon=3.0), _built(tmp_path, x, epsilon=12.0)
    for built, epsilon in ((fine, 3.0), (coarse, 12.0)):
        assert isinstance(built, (VoxelPicture, LeafPicture))
        assert built.facts.max_error <= epsilon
        assert f"{built.facts.leaf_count:,} leaves of 32,768 voxels" in built.notes
    assert coarse.facts.leaf_count < fine.facts.leaf_count
    assert coarse.facts.compression > fine.facts.compression > 1
    assert isinstance(coarse, LeafPicture)


def test_a_leaf_tells_the_element_pointed_at_and_all_of_its_values(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 16, 16)).astype(np.float32)
    x[8:, 8:, 8:] = 5 + np.random.default_rng(1).random((8, 8, 8)) / 10
    layout = volume_layout(x.shape)
    with nnscope.open(_saved(tmp_path, x)) as source:
        client, settings = source["x"]._client, (("epsilon", 0.5),)
        leaf = client.ask(ProbeSpace("x", layout, (9, 10, 11), 3, "voxels", settings))
        node = client.ask(ProbeSpace("x", layout, (1, 2, 3), 2, "voxels", settings))
        one = client.ask(ProbeSpace("x", layout, (1, 2, 3), 0, "voxels", settings))
    assert leaf.index == (11, 9, 10)
    assert leaf.value == x[11, 9, 10]
    assert leaf.block.count == 512
    assert leaf.block.mean == pytest.approx(x[8:, 8:, 8:].mean(), rel=1e-6)
    assert (leaf.block.min, leaf.block.max) == (x[8:, 8:, 8:].min(), x[8:, 8:, 8:].max())
    assert abs(node.value) == np.abs(x[:4, :4, :4]).max()
    assert x[node.index] == node.value
    assert one.index == (3, 1, 2)
    assert one.block is None


@pytest.mark.gl
def test_settings_change_the_picture_and_wrong_ones_are_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(12, 12, 12)).astype(np.float32)
    fine, coarse = (_picture(tmp_path, x, threshold=0, settings={"epsilon": e}) for e in (0, 100))
    assert (fine.rgba != coarse.rgba).any()
    assert any("1 leaves" in note for note in coarse.legend.notes)
    for settings in ({"epsilon": -1.0}, {"epsilon": "x"}, {"nothing": 1}):
        with pytest.raises(OptionError):
            _picture(tmp_path, x, settings=settings)
    with pytest.raises(OptionError):
        _picture(tmp_path, x, threshold=-1.0)
    with pytest.raises(nnscope.NnscopeError, match="three axes"):
        _picture(tmp_path, np.zeros((4, 4), np.float32))


def test_other_tolerances_do_not_build_the_tree_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.views import voxels

    built: list[int] = []
    original = voxels.dense_octree
    monkeypatch.setattr(voxels, "dense_octree", lambda *given: built.append(1) or original(*given))
    x = np.random.default_rng(0).normal(size=(9, 9, 9)).astype(np.float32)
    with nnscope.open(_saved(tmp_path, x)) as source:
        client, layout = source["x"]._client, volume_layout(x.shape)
        for epsilon in (0.0, 0.5, 2.0):
            for level in (0, 1):
                client.ask(BuildSpace("x", layout, "voxels", (("epsilon", epsilon),), level=level))
    assert len(built) == 1
