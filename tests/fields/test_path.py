"""A field over training: centres follow what moves, one file holds all steps, and their paths are drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.errors import FileError, NnscopeError
from nnscope.core.frame import Rect
from nnscope.core.space import Camera3D
from nnscope.engine.local import LocalEngine
from nnscope.engine.opening import stored_source
from nnscope.fields import Checkpoint, FitSettings, fit_over_training, load_field, save_field
from nnscope.fields.path import FieldPath
from nnscope.fields.splatting import splat_image
from tests.fields.fields import scattered
from tests.render import splats

if TYPE_CHECKING:
    from pathlib import Path

    from nnscope.core.splats import SplatPicture

SHAPE = (32, 40)
STEPS = (0, 10, 25, 60, 61, 70, 80, 90, 200)


def _truth(place: int) -> np.ndarray:
    """Two blobs (x, y) on their ways: one along a curve, one straight on."""
    t = place / (len(STEPS) - 1)
    return np.array([[8 + 20 * t, 10 + 6 * np.sin(2 * t)], [30 - 4 * t, 24 - 2 * t]])


def _seen(place: int) -> np.ndarray:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return sum(
        np.exp(-((x - u) ** 2) / 18 - (y - v) ** 2 / 8) * w for (u, v), w in zip(_truth(place), (1, 0.6), strict=True)
    )


@pytest.fixture(scope="module")
def fitted() -> Checkpoint:
    return fit_over_training(map(_seen, range(len(STEPS))), STEPS, FitSettings(gaussians=2, steps=200), following=150)


def test_centres_follow_what_moves(fitted: Checkpoint) -> None:
    assert fitted.path is not None
    assert float(fitted.notes["psnr_worst"]) > 35
    order = np.argsort(fitted.path.means[0, :, 0])
    for place in range(len(STEPS)):
        assert np.abs(fitted.path.means[place, order] - _truth(place)).max() < 0.1
    np.testing.assert_array_equal(fitted.path.means[-1], fitted.field.means)


def test_one_file_holds_all_steps(fitted: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "over.safetensors"
    save_field(path, fitted)
    back = load_field(path).path
    assert back is not None
    assert back.steps.tolist() == list(STEPS)
    source = stored_source(str(path))
    assert source is not None
    names = [info.address for info in source.listing().tensors]
    assert names[: 1 + len(STEPS)] == ["field", *(f"field@{step}" for step in STEPS)]
    for place, step in enumerate(STEPS):
        values = source.reader(f"field@{step}").read(tuple((0, n, 1) for n in SHAPE))
        assert np.abs(values - _seen(place)).max() < 0.1
    source.close()


@pytest.mark.parametrize("change", ["steps", "means", "ranges"])
def test_steps_that_do_not_fit_are_one_sentence(fitted: Checkpoint, tmp_path: Path, change: str) -> None:
    assert fitted.path is not None
    with pytest.raises(NnscopeError, match="don't"):
        replace(fitted.path, **{change: getattr(fitted.path, change)[::-1][:-1]})
    held = fitted.path.tensors()
    del held[f"path.{change}"]
    with pytest.raises(NnscopeError, match=f"no tensor path.{change}"):
        FieldPath.read(held)
    other = replace(fitted, field=scattered(3, 2, 20), errors=None)
    save_field(tmp_path / "odd.safetensors", other)
    with pytest.raises(FileError, match=r"path\.means of this field is"):
        load_field(tmp_path / "odd.safetensors")


def test_no_step_is_no_field() -> None:
    with pytest.raises(NnscopeError, match="no step"):
        fit_over_training([], [])


@pytest.mark.parametrize("shown", [True, False])
def test_the_view_has_the_paths_up_to_its_step(fitted: Checkpoint, tmp_path: Path, shown: bool) -> None:
    path = tmp_path / "over.safetensors"
    save_field(path, fitted)
    picture = _picture(path, "field@25", (("paths", shown),))
    assert (picture.trails is not None) == shown
    if picture.trails is not None:
        assert picture.trails.shape == (2, 3, 3)
        np.testing.assert_allclose(picture.trails[:, -1], picture.means, atol=1e-5)
    assert _picture(path, "field@0", ()).trails is None
    assert picture.weights == pytest.approx([1, 0.6], abs=0.05) or picture.weights == pytest.approx([0.6, 1], abs=0.05)


@pytest.mark.parametrize("camera", [Camera3D(0, 0, 1.0, None, 0.0), Camera3D(30, 20, 1.5)], ids=["parallel", "eye"])
@pytest.mark.parametrize("shape", [(24, 28), (20, 24, 28)], ids=["plane", "space"])
def test_paths_are_where_the_centres_were(camera: Camera3D, shape: tuple[int, ...]) -> None:
    """Every place of the path is covered by its value, and no pixel far from it is."""
    over = np.array([[[4, 4, 0.5], [20, 10, 0.5], [20, 20, 0.5 if len(shape) == 2 else 15]]])
    plain = splats.picture(over[:, -1], np.diag([1e-3, 1e-3, 1e-3]), [0.7], shape, mode="max")
    picture, size = replace(plain, trails=over), (96, 80)
    image = splat_image(picture, camera, Rect(0, 0, *size))
    marked = [splats.picture(over[:, i], np.diag([0.5] * 3), [1.0], shape, mode="max") for i in range(3)]
    places = []
    for one in marked:
        spot = splat_image(one, camera, Rect(0, 0, *size))
        places.append(np.array(np.unravel_index(spot.argmax(), spot.shape)))
    v, u = np.nonzero(image == np.float32(0.7))
    found = np.stack((v, u), 1)
    ends = np.stack(places)
    for at in np.concatenate([np.linspace(ends[i], ends[i + 1], 20) for i in range(2)]):
        assert np.abs(found - at).max(1).min() <= 2
    assert len(found) < 2.5 * 2 * sum(np.abs(ends[i + 1] - ends[i]).max() for i in range(2)) + 40


def _picture(path: Path, address: str, settings: tuple[tuple[str, bool], ...]) -> SplatPicture:
    from nnscope.core.request import BuildSpace
    from nnscope.views.registry import find_space_view

    source = stored_source(str(path))
    assert source is not None
    engine = LocalEngine(source, inline=True)
    info = source.reader(address).info
    layout = find_space_view("splats").layout(info)
    answer = engine.submit(BuildSpace(address, layout, "splats", settings)).future.result()
    source.close()
    return answer
