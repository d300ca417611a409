"""Inputs as small pictures: crisp, in the theme's colours, named for screen readers, and never at a plugin's mercy."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PyQt6.QtCore import QSize, Qt

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT
from nnscope.core.plugins import find_model
from nnscope.core.registry import ModelSpec
from nnscope.gui.live import LiveBar, LiveState
from nnscope.gui.previews import LARGEST, Previews, checked, preview_icon
from nnscope.gui.sample_picker import COLUMNS, SamplePicker

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot

    from nnscope.core.errors import Failure
    from nnscope.core.frame import Theme

LABELS = tuple(f"input {at}" for at in range(25))
IMAGES = np.random.default_rng(0).integers(0, 256, (25, 8, 8), dtype=np.uint8)


def spec(previews: Callable[[], object] | None) -> ModelSpec:
    return ModelSpec("m", "M", "", dict, previews=previews)  # type: ignore[arg-type]


def test_pictures_are_made_once_and_only_for_their_model() -> None:
    made: list[int] = []
    previews = Previews([spec(lambda: (made.append(1), IMAGES)[1])], lambda failure: None)
    assert previews.of("demo:other", 25) is None
    assert not made
    assert previews.of("demo:m", 25) is IMAGES
    assert previews.of("demo:m", 24) is None  # of other samples
    assert previews.of("demo:m", 25) is IMAGES
    assert made == [1]


@pytest.mark.parametrize(
    "maker",
    [
        lambda: 1 / 0,
        lambda: "pictures",
        lambda: IMAGES.astype(float),
        lambda: IMAGES[0],
        lambda: IMAGES[:, :0],
        lambda: np.zeros((1, LARGEST + 1, 1), np.uint8),
    ],
    ids=["raises", "text", "float", "rank", "empty", "large"],
)
def test_a_plugin_that_fails_is_told_of_once(maker: Callable[[], object]) -> None:
    told: list[Failure] = []
    previews = Previews([spec(maker)], told.append)
    assert previews.of("demo:m", 25) is None
    assert previews.of("demo:m", 25) is None
    assert [failure.where for failure in told] == ["demo:m"]
    assert "by name" in told[0].remedy


def test_only_small_grey_pictures_pass() -> None:
    assert checked(IMAGES) is IMAGES
    with pytest.raises(NnscopeError, match="uint8"):
        checked(None)


@pytest.mark.parametrize("name", ["digits-cnn", "digits-vit"])
def test_the_pictures_of_the_digits_are_the_samples(name: str) -> None:
    model = find_model(name)
    assert model.previews is not None
    assert model.samples is not None
    images, samples = checked(model.previews()), model.samples()
    assert len(images) == len(samples.labels)
    for at in (0, 7, 49):
        (image,) = samples.load(at)  # −1–1
        np.testing.assert_allclose(images[at] / 127.5 - 1, image.numpy()[0, 0], atol=1 / 255)


def test_pictures_need_no_torch() -> None:
    code = (
        "import sys; from nnscope.core.plugins import find_model; find_model('digits-cnn').previews(); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.gui
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("size", "ratio"), [(32, 1.0), (16, 2.0), (20, 1.5)], ids=["4x", "hidpi", "between"])
def test_each_pixel_is_a_square_in_the_colours_of_the_theme(
    qtbot: QtBot, theme: Theme, size: int, ratio: float
) -> None:
    image = np.array([[0, 255], [255, 0]], np.uint8).repeat(4, 0).repeat(4, 1)
    drawn = preview_icon(image, theme).pixmap(QSize(size, size), ratio).toImage()
    side = round(size * ratio)
    assert (drawn.width(), drawn.height()) == (side, side)
    rgb = np.array([[drawn.pixelColor(x, y).getRgb() for x in range(side)] for y in range(side)])
    factor = side // 8
    margin = (side - 8 * factor) // 2
    inside = rgb[margin : margin + 8 * factor, margin : margin + 8 * factor]
    colours = np.array([theme.ground, theme.text])[(image == 255).astype(int)]
    np.testing.assert_array_equal(inside[..., :3], colours.repeat(factor, 0).repeat(factor, 1))
    assert (rgb[..., 3] == 255).sum() == (8 * factor) ** 2  # nothing around it


@pytest.mark.gui
def test_larger_pictures_than_their_place_are_shrunk(qtbot: QtBot) -> None:
    drawn = preview_icon(np.full((64, 32), 255, np.uint8), DARK).pixmap(QSize(16, 16), 1.0).toImage()
    assert drawn.pixelColor(8, 8).getRgb()[:3] == DARK.text
    assert drawn.pixelColor(1, 8).alpha() == 0


@pytest.fixture
def picker(qtbot: QtBot) -> SamplePicker:
    made = SamplePicker()
    qtbot.addWidget(made)
    made.apply(DARK)
    made.show_samples(LABELS, IMAGES)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.mark.gui
def test_the_grid_is_read_and_walked_with_the_keyboard(qtbot: QtBot, picker: SamplePicker) -> None:
    chosen: list[str] = []
    picker.chosen.connect(chosen.append)
    picker.choose("1")
    picker.showPopup()
    qtbot.waitUntil(picker.list.isVisible)
    left, below = (picker.list.visualRect(picker.model().index(at, 0)) for at in (1, 1 + COLUMNS))
    assert left.left() == below.left()
    assert left.bottom() < below.top()
    assert picker.list.viewport().rect().contains(picker.list.visualRect(picker.model().index(24, 0)))
    qtbot.keyClick(picker.list, Qt.Key.Key_Down)
    qtbot.keyClick(picker.list, Qt.Key.Key_Right)
    qtbot.keyClick(picker.list, Qt.Key.Key_Return)
    assert chosen == [str(1 + COLUMNS + 1)]
    assert not picker.list.isVisible()


@pytest.mark.gui
def test_labels_are_names_and_tooltips(picker: SamplePicker) -> None:
    index = picker.model().index(3, 0)
    assert index.data() == "input 3"
    assert "input 3" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert picker.accessibleName() == "Input"
    assert picker.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.gui
def test_the_theme_redraws_and_other_pictures_replace(picker: SamplePicker) -> None:
    before = picker.itemIcon(0).pixmap(32, 32).toImage()
    picker.show_samples(LABELS, IMAGES)
    assert picker.itemIcon(0).pixmap(32, 32).toImage() == before
    picker.apply(LIGHT)
    light = picker.itemIcon(0).pixmap(32, 32).toImage()
    assert light != before
    picker.show_samples(LABELS, 255 - IMAGES)
    assert picker.itemIcon(0).pixmap(32, 32).toImage() != light


@pytest.mark.gui
def test_without_pictures_there_are_labels(qtbot: QtBot, picker: SamplePicker) -> None:
    picker.show_samples(LABELS[:3], None)
    assert not picker.pictured
    assert picker.itemIcon(0).isNull()
    picker.showPopup()
    qtbot.waitUntil(picker.list.isVisible)
    lefts = {picker.list.visualRect(picker.model().index(at, 0)).left() for at in range(3)}
    assert len(lefts) == 1
    picker.hidePopup()


@pytest.mark.gui
def test_the_strip_shows_them(qtbot: QtBot) -> None:
    bar = LiveBar()
    qtbot.addWidget(bar)
    bar.apply(LIGHT)
    bar.show_state(LiveState(LABELS, 4), IMAGES)
    assert bar.samples.pictured
    assert bar.samples.value == "4"
    bar.show_state(LiveState(LABELS, 5))
    assert not bar.samples.pictured
    assert bar.samples.value == "5"
