"""Pictures of the Python interface: the window's pixels, with the legend and steps that belong to them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import nnscope
from nnscope.core.frame import DARK, LIGHT
from nnscope.core.layout import default_layout
from nnscope.engine.local import LocalEngine
from nnscope.headless.look import OptionError
from nnscope.render.offscreen import render_offscreen
from nnscope.scene.controller import Controller
from nnscope.sources.files.open import open_file

if TYPE_CHECKING:
    from pathlib import Path

    from nnscope.core.picture import Step

pytestmark = pytest.mark.gl


@pytest.fixture
def path(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    path = tmp_path / "model.npz"
    np.savez(
        path,
        kernel=rng.normal(size=(6, 4, 3, 3)).astype(np.float32),
        matrix=rng.normal(size=(700, 900)).astype(np.float16),
        batch=rng.normal(size=(3, 4, 20, 20)),
    )
    return path


def _window(path: Path, address: str, theme: str = "dark", **changes: object) -> np.ndarray:
    """What the window's canvas shows, driven as the window drives it."""
    controller = Controller(inline=True)
    try:
        controller.theme = {"dark": DARK, "light": LIGHT}[theme]
        controller.adopt("key", LocalEngine(open_file(str(path)), inline=True))
        controller.show("key", address)
        controller.workspace.update_pane(**changes)
        for _ in range(3):  # ask, take the answers, draw
            frame = controller.frame(420, 320)
        assert controller.settled
        return render_offscreen(frame)
    finally:
        controller.close()


@pytest.mark.parametrize("address", ["kernel", "matrix", "batch"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_pixels_are_the_windows(path: Path, address: str, theme: str) -> None:
    with nnscope.open(path) as source:
        picture = source[address].render(size=(420, 320), theme=theme)
    np.testing.assert_array_equal(picture.rgba, _window(path, address, theme))


def test_pixels_of_an_index_are_those_of_the_slider(path: Path) -> None:
    with nnscope.open(path) as source:
        picture = source["batch[2]"].render(size=(420, 320), limits=(-1, 1), normalisation="linear")
    slider = default_layout((3, 4, 20, 20)).with_fixed(0, 2)
    window = _window(path, "batch", layout=slider, limits=(-1, 1), normalisation="linear")
    np.testing.assert_array_equal(picture.rgba, window)
    assert picture.address == "batch[2]"
    assert picture.legend.normalisation is not None
    assert picture.legend.normalisation.domain == (-1, 1)


def test_a_picture_and_what_belongs_to_it(path: Path, tmp_path: Path) -> None:
    with nnscope.open(path) as source:
        picture = source["matrix"].render(size=(400, 300), scientific=True, reduction="max")
    assert (picture.rgba.dtype, picture.size, picture.address) == (np.uint8, (400, 300), "matrix")
    assert (picture.rgba[..., 3] == 255).all()
    assert picture.legend.scientific
    assert picture.legend.reduction == f"max of {2**picture.legend.level}×{2**picture.legend.level}"
    assert picture.faithful
    assert picture.steps[0].name == "read"
    picture.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), picture.rgba)
        assert "max" in image.info["Recipe"]
    with Image.open(io.BytesIO(picture._repr_png_())) as image:
        assert image.size == (400, 300)


@pytest.mark.parametrize("view", ["heatmap", "rgb"])
def test_nothing_aesthetic_in_scientific_mode(path: Path, view: str) -> None:
    with nnscope.open(path) as source:
        plain = source["batch[1]"].render(size=(300, 200), view=view)
        faithful = source["batch[1]"].render(size=(300, 200), view=view, scientific=True)
    assert not _all_faithful(plain.steps)
    assert _all_faithful(faithful.steps)


def test_a_notebook_shows_the_picture(path: Path) -> None:
    with nnscope.open(path) as source:
        markup = source["kernel"]._repr_html_()
    assert "kernel · (6, 4, 3, 3) · float32 · array" in markup
    assert 'src="data:image/png;base64,iVBOR' in markup


def test_a_notebook_says_why_there_is_no_picture(path: Path) -> None:
    with nnscope.open(path) as source:
        assert "A picture shows whole axes." in source["kernel[0:2]"]._repr_html_()


@pytest.mark.parametrize(
    "options", [{"sizes": 3}, {"theme": "blue"}, {"view": "pie"}, {"limits": (1, 1)}, {"rows": (0,)}], ids=str
)
def test_options_that_do_not_exist(path: Path, options: dict) -> None:
    with nnscope.open(path) as source, pytest.raises(OptionError) as caught:
        source["kernel"].render(**options)
    assert isinstance(caught.value, ValueError)


def _all_faithful(steps: tuple[Step, ...]) -> bool:
    return all(step.faithful for step in steps)
