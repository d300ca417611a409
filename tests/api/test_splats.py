"""Splats of a file: the field as a tensor of it, headless pictures as in the window, and what the pointer tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.core.frame import Frame
from nnscope.core.space import Camera3D
from nnscope.engine.local import LocalEngine
from nnscope.engine.opening import stored_source
from nnscope.fields import Checkpoint, Gaussians, Lattice, evaluate_lattice, save_field
from nnscope.render.offscreen import render_offscreen
from nnscope.scene.controller import Controller
from nnscope.sources.base import full_region

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (640, 420)


def _field(folder: Path, dimensions: int = 3) -> tuple[Path, Gaussians]:
    rng = np.random.default_rng(0)
    width, shape = {2: 3, 3: 6}[dimensions], (9, 10, 12)[-dimensions:]
    numbers = rng.uniform(-0.3, 0.8, (30, width)).astype(np.float32)
    means = rng.uniform(0, shape[::-1], (30, dimensions)).astype(np.float32)
    weights = rng.normal(size=30).astype(np.float32)
    field = Gaussians(means, numbers, weights, "identity", "full", shape, offset=0.25, scale=2.0)
    save_field(folder / "field.safetensors", field)
    return folder / "field.safetensors", field


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_field_is_a_tensor_of_its_file(tmp_path: Path, dimensions: int) -> None:
    path, field = _field(tmp_path, dimensions)
    source = stored_source(str(path))
    assert source is not None
    names = {info.address: info.shape for info in source.listing().tensors}
    assert names["field"] == field.shape
    assert names["means"] == (30, dimensions)
    whole = source.reader("field").read(full_region(field.shape))
    expected = 0.25 + 2 * evaluate_lattice(field, Lattice.of(field.shape))
    assert np.abs(whole - expected).max() < 1e-5
    part = tuple((1, n, 3) for n in field.shape)
    assert np.abs(source.reader("field").read(part) - whole[(slice(1, None, 3),) * dimensions]).max() < 1e-5
    source.close()


def test_a_damaged_field_says_why(tmp_path: Path) -> None:
    path, _ = _field(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"offset":"0.25"', b'"offset":"what"'))
    with nnscope.open(path) as source:
        assert source["means"].shape == (30, 3)
        with pytest.raises(nnscope.NnscopeError, match="offset"):
            source["field"].render(view="splats", size=SIZE)


@pytest.mark.gl
@pytest.mark.parametrize("dimensions", [2, 3])
def test_headless_pixels_are_those_of_the_window(tmp_path: Path, dimensions: int) -> None:
    path, _ = _field(tmp_path, dimensions)
    with nnscope.open(path) as source:
        picture = source["field"].render(view="splats", size=SIZE, camera=(30, 20, 1.5))
        with pytest.raises(nnscope.NnscopeError, match="Gaussian field"):
            source["means"].render(view="splats", size=SIZE)
    scene = _scene(path)
    scene.workspace.update_pane(orbit=Camera3D(30, 20, 1.5))
    for _ in range(4):
        frame = scene.frame(*SIZE)
    pane = frame.panes[0]
    shown = render_offscreen(Frame(*SIZE, frame.panes, frame.theme, frame.scale))
    p = pane.picture
    inside = np.s_[p.y + 2 : p.y + p.h - 2, p.x + 2 : p.x + p.w - 2]
    assert (shown[inside] == picture.rgba[inside]).all()
    assert len(np.unique(shown[inside].reshape(-1, 4), axis=0)) > 20
    scene.close()


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_first_look(tmp_path: Path, dimensions: int) -> None:
    """The plane lies as a map does and shows the field itself; colours are linear in all that is drawn."""
    path, field = _field(tmp_path, dimensions)
    scene = _scene(path)
    for _ in range(4):
        scene.frame(*SIZE)
    drawn = scene.drawn()
    assert drawn is not None
    resolved, camera = drawn.resolved, drawn.composed.orbit
    assert resolved.normalisation is not None
    assert camera is not None
    assert resolved.normalisation.name == "linear"
    assert "domain: all that is seen along the axes" in drawn.composed.frame.legend.notes
    assert drawn.composed.frame.legend.clipped == 0
    flat = dimensions == 2
    assert (camera.azimuth, camera.elevation, camera.fov) == ((0, 0, 0) if flat else (30, 20, 30))
    assert scene.steering.turns(0) != flat
    if flat:
        values = 0.25 + 2 * evaluate_lattice(field, Lattice.of(field.shape))
        assert resolved.normalisation.domain[1] >= np.abs(values).max()
        middle = SIZE[0] / 2 - 40, SIZE[1] / 2 - 30
        before = scene.drawn().composed.frame.space.picture, scene.drawn().resolved
        picked = before[1].space_view.pick(scene.drawn().composed.frame, *middle)
        scene.zoom(*middle, 2.0)
        scene.frame(*SIZE)
        assert before[1].space_view.pick(scene.drawn().composed.frame, *middle) == picked
    scene.close()


def test_colours_of_errors_and_what_scientific_mode_leaves_out(tmp_path: Path) -> None:
    path, field = _field(tmp_path, 2)
    errors = np.linspace(0.1, 0.4, len(field))
    save_field(tmp_path / "known.safetensors", Checkpoint(field, errors=errors))
    with nnscope.open(tmp_path / "known.safetensors") as source:
        told = source["field"].render(view="splats", size=SIZE, settings={"colour": "error"})
        over = {"mode": "alpha"}
        layered = source["field"].render(view="splats", size=SIZE, settings=over)
        exact = source["field"].render(view="splats", size=SIZE, settings=over, scientific=True)
        plain = source["field"].render(view="splats", size=SIZE, scientific=True)
    assert told.legend.unit == "mean error"
    assert told.legend.normalisation.domain == pytest.approx((0, 0.4))
    assert (layered.faithful, exact.faithful) == (False, True)
    assert (exact.rgba == plain.rgba).all()
    with nnscope.open(path) as source, pytest.raises(nnscope.NnscopeError, match="doesn't tell of its errors"):
        source["field"].render(view="splats", size=SIZE, settings={"colour": "error"})


def test_the_pointer_tells_of_the_strongest(tmp_path: Path) -> None:
    path, _ = _field(tmp_path)
    scene = _scene(path)
    for _ in range(4):
        scene.frame(*SIZE)
    scene.hover(SIZE[0] / 2 - 60, SIZE[1] / 2)
    told = scene._hover.current
    assert told is not None
    assert told.text.startswith("field [")
    assert "Gaussian " in told.text
    assert "% of what is here" in told.text
    scene.close()


def _scene(path: Path) -> Controller:
    source = stored_source(str(path))
    assert source is not None
    scene = Controller(inline=True)
    scene.adopt("file", LocalEngine(source, inline=True))
    scene.show("file", "field")
    scene.workspace.update_pane(view="splats")
    return scene
