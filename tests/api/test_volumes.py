"""Volumes through the front door: pictures of hostile shapes and values, levels, options, exact elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnscope
from nnscope.core.request import BuildSpace, ProbeSpace
from nnscope.core.volume import least_level
from nnscope.headless.look import OptionError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nnscope.tensor import Tensor

SIZE = (640, 420)


def _saved(folder: Path, x: np.ndarray) -> Path:
    np.save(folder / "x.npy", x)
    return folder / "x.npy"


def _picture(folder: Path, x: np.ndarray, **how: Any) -> Any:
    with nnscope.open(_saved(folder, x)) as source:
        return source["x"].render(view="volume", size=SIZE, **how)


def _counts(picture: Any, colour: tuple[int, ...]) -> int:
    return int((picture.rgba[60:, :450, :3] == colour).all(-1).sum())


@pytest.mark.gl
@pytest.mark.parametrize("shape", [(1, 1, 1), (2049, 4, 4), (4096, 64, 64), (4, 3, 7, 7), (2, 2, 3, 4, 5)], ids=str)
def test_shapes_of_all_kinds_are_drawn(tmp_path: Path, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float16)
    picture = _picture(tmp_path, x)
    assert len(np.unique(picture.rgba[60:, :450].reshape(-1, 4), axis=0)) > 8
    assert picture.view == "volume"


@pytest.fixture(scope="module")
def one_hot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tensor]:
    x = np.zeros((256, 256, 256), np.float16)
    x[127, 129, 128] = 1
    with nnscope.open(_saved(tmp_path_factory.mktemp("hot"), x)) as source:
        yield source["x"]


@pytest.fixture(scope="module")
def hot(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, ...]:
    """The colour of 1 on a scale from 0."""
    folder, ones = tmp_path_factory.mktemp("ones"), np.ones((2, 2, 2), np.float16)
    picture = _picture(folder, ones, camera=(0, 0, 2), mode="mip", limits=(0, 1))
    return tuple(picture.rgba[SIZE[1] // 2, 260, :3])


@pytest.mark.gl
@pytest.mark.parametrize("distance", [0.6, 2, 5, 30, 95])
@pytest.mark.parametrize("projection", ["orthographic", "perspective"])
@pytest.mark.parametrize("angles", [(0, 0), (45, 90), (31, -17)])
def test_one_hot_voxel_among_millions_is_seen_from_every_distance(
    one_hot: Tensor, hot: tuple[int, ...], distance: float, projection: str, angles: tuple[float, float]
) -> None:
    how: dict[str, Any] = {"projection": projection, "mode": "mip", "limits": (0, 1)}
    picture = one_hot.render(view="volume", size=SIZE, camera=(*angles, distance), **how)
    assert _counts(picture, hot) >= 1


@pytest.mark.gl
def test_nothing_but_nan_and_nothing_but_one_value(tmp_path: Path) -> None:
    for x in (np.full((9, 9, 9), np.nan, np.float32), np.full((9, 9, 9), 3, np.int8)):
        for mode in ("mip", "average", "surface", "translucent"):
            assert _picture(tmp_path, x, mode=mode).rgba.shape == (SIZE[1], SIZE[0], 4)


def test_large_volumes_come_at_a_level_that_fits_and_say_so() -> None:
    assert least_level((512, 512, 512)) == 0
    assert least_level((513, 512, 512)) == 1
    assert least_level((4096, 64, 64)) == 0
    assert least_level((3, 4096, 4096)) == 0
    assert least_level((2300, 2200, 12)) == 0
    assert least_level((10000, 10000, 1)) > 0  # with what lies around its pieces it would be too large


@pytest.mark.gl
def test_a_reduced_level_is_told_in_the_legend(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((64, 64, 64)).astype(np.float32)
    picture = _picture(tmp_path, x, camera=(20, 20, 12), mode="mip")
    assert picture.legend.level > 0
    side = 2**picture.legend.level
    assert picture.legend.reduction == f"max of {side}×{side}×{side}"


@pytest.mark.parametrize(
    ("reduction", "choose"), [("max", np.argmax), ("min", np.argmin), ("extremes", lambda b: np.argmax(np.abs(b)))]
)
def test_a_coarse_voxel_leads_to_the_element_it_shows(tmp_path: Path, reduction: str, choose: Any) -> None:
    x = np.random.default_rng(1).normal(size=(3, 19, 18, 17)).astype(np.float32)
    with nnscope.open(_saved(tmp_path, x)) as source:
        tensor = source["x"]
        client, layout = tensor._client, nnscope.core.layout.volume_layout(x.shape).with_fixed(0, 2)
        settings = (("reduction", reduction),)
        volume = client.ask(BuildSpace("x", layout, settings=settings, level=2))
        for voxel in [(0, 0, 0), (4, 4, 3), (1, 2, 0)]:
            block = tuple(slice(i * 4, i * 4 + 4) for i in voxel)
            depth, row, col = (4 * i for i in voxel)
            answer = client.ask(ProbeSpace("x", layout, (row, col, depth), 2, settings=settings))
            held = x[2][block]
            at = np.unravel_index(choose(held), held.shape)
            assert answer.index == (2, *(int(i) + s.start for i, s in zip(at, block, strict=True)))
            assert answer.value == volume.values[voxel] == x[answer.index]
            assert answer.block.count == held.size
            assert answer.block.mean == pytest.approx(held.mean(), rel=1e-5)


@pytest.mark.gl
def test_hue_and_opacity_are_the_users_and_plain_in_scientific_mode(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 24, 24)).astype(np.float32)
    how: dict[str, Any] = {"mode": "translucent", "camera": (20, 20, 2)}
    plain = _picture(tmp_path, x, **how)
    seen = [plain.rgba]
    for settings in ({"hue": "gradient"}, {"hue": "pca"}, {"opacity": "norm"}, {"hue": "pca", "opacity": "norm"}):
        picture = _picture(tmp_path, x, settings=settings, **how)
        assert all((picture.rgba != other).any() for other in seen)
        told = " ".join(picture.legend.notes)
        assert all(f"{name}: " in told for name in settings)
        assert not picture.legend.faithful
        seen.append(picture.rgba)
    exact = _picture(tmp_path, x, scientific=True, camera=(20, 20, 2))
    asked = _picture(tmp_path, x, scientific=True, settings={"hue": "pca", "opacity": "norm"}, **how)
    assert (asked.rgba == exact.rgba).all()
    assert asked.legend.faithful


NONSENSE: list[dict[str, Any]] = [
    {"camera": (0, 91, 2)},
    {"camera": (0, 0, 0)},
    {"camera": (float("nan"), 0, 1)},
    {"mode": "x"},
    {"interpolation": "x"},
    {"depth": (0,)},
]


@pytest.mark.parametrize("options", NONSENSE, ids=str)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        _picture(tmp_path, np.zeros((2, 2, 2), np.float32), **options)


def test_a_matrix_is_no_volume(tmp_path: Path) -> None:
    with pytest.raises(nnscope.NnscopeError, match="three axes"):
        _picture(tmp_path, np.zeros((4, 4), np.float32))


@pytest.mark.gl
def test_axes_are_chosen(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    turned = _picture(tmp_path, x, rows=(2,), cols=(0,), depth=(1,), camera=(0, 0, 2), mode="mip")
    same = _picture(tmp_path, x.transpose(1, 2, 0), camera=(0, 0, 2), mode="mip")
    assert (turned.rgba[140:300, 180:300] == same.rgba[140:300, 180:300]).all()


@pytest.mark.gl
def test_the_recipe_says_how_it_was_drawn(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    for value, way in ((0.5, "linear"), (np.nan, "nearest")):
        x[1, 2, 3] = value
        steps = _picture(tmp_path, x, mode="mip", interpolation="linear").steps
        assert next(step for step in steps if step.name == "mip").detail.endswith(way)


@pytest.mark.parametrize("odd", [False, True], ids=["finite", "odd values"])
@pytest.mark.parametrize("reduction", ["max", "min", "extremes", "mean"])
def test_levels_from_finer_ones_are_those_of_the_tensor(
    tmp_path: Path, reduction: str, odd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(13, 22, 9)).astype(np.float16)
    if odd:
        x[rng.random(x.shape) < 0.2] = rng.choice([np.nan, np.inf, -np.inf])
        x[:8, :8], x[9] = np.nan, np.inf
    settings, layout = (("reduction", reduction),), nnscope.core.layout.volume_layout(x.shape)
    found = []
    for at_hand in (False, True):
        with nnscope.open(_saved(tmp_path, x)) as source:
            client = source["x"]._client
            if at_hand:
                client.ask(BuildSpace("x", layout))
                monkeypatch.setattr("nnscope.views.volume.read_level", None)
            found.append([client.ask(BuildSpace("x", layout, settings=settings, level=level)) for level in (1, 3)])
    for from_tensor, from_finer in zip(*found, strict=True):
        assert (from_finer.values == from_tensor.values).all()
        assert (from_finer.states is None) == (from_tensor.states is None)
        assert from_tensor.states is None or (from_finer.states == from_tensor.states).all()
