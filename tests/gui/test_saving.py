"""Saved pictures: the screen's pixels, exact sizes, their story in the file, and nothing behind after a cancel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PyQt6.QtGui import QImage
from PyQt6.QtWidgets import QApplication, QFileDialog

from nnscope.gui.dialogs.save_picture import SaveDialog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gui.conftest import Bench

pytestmark = [pytest.mark.gui, pytest.mark.gl]


def screen(bench: Bench) -> np.ndarray:
    """The canvas as it is shown, [height, width, RGB]."""
    return pixels_of(bench.window.canvas.native.grabFramebuffer())


def pixels_of(image: QImage) -> np.ndarray:
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    bits = image.constBits()
    assert bits is not None
    flat = np.frombuffer(bits.asarray(image.sizeInBytes()), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].copy()


def saved(bench: Bench, file: Path, size: tuple[int, int]) -> np.ndarray:
    with bench.qtbot.waitSignal(bench.window.saver.saved, timeout=10_000):
        bench.window.saver.save(str(file), *size)
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def test_picture_of_the_canvas_size_equals_the_screen(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    picture = saved(bench, tmp_path / "a.png", bench.window.saver.screen_size)
    assert np.array_equal(picture, screen(bench))


def test_copied_picture_equals_the_screen(bench: Bench, checkpoint: Path) -> None:
    bench.open(checkpoint)
    bench.show("odd")
    bench.window.actions_table["copy_picture"].trigger()
    clipboard = QApplication.clipboard()
    assert clipboard is not None
    copied = pixels_of(clipboard.image())
    bench.settle()
    assert np.array_equal(copied, screen(bench))


def test_other_sizes_are_exact_and_leave_the_screen_as_it_was(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    bench.window.actions_table["zoom_in"].trigger()
    bench.settle()
    before = screen(bench)
    for size in ((640, 480), (1920, 1080), (301, 977)):
        picture = saved(bench, tmp_path / "a.png", size)
        assert picture.shape == (size[1], size[0], 3)
        assert len(set(map(bytes, picture[::7, ::7].reshape(-1, 3)))) > 20
    bench.settle()
    assert np.array_equal(screen(bench), before)


def test_the_file_tells_where_it_came_from(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    bench.show("enc.0.weight")
    bench.controller.toggle_scientific()
    bench.settle()
    saved(bench, tmp_path / "a.png", (400, 300))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        text = image.text  # type: ignore[attr-defined]
    assert text["Address"] == "enc.0.weight"
    assert text["Mode"] == "scientific"
    assert "linear (domain" in text["Recipe"]
    assert "*" not in text["Recipe"]


def test_cancelled_saving_leaves_nothing(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    folder = tmp_path / "out"
    folder.mkdir()
    saver = bench.window.saver
    saver.save(str(folder / "a.png"), 4000, 3000)
    saver.cancel()
    bench.qtbot.wait(100)
    assert os.listdir(folder) == [] or os.listdir(folder) == ["a.png"]  # drawn at once when nothing was missing
    assert not bench.window.saver.busy


def test_unwritable_place_is_a_problem_and_not_an_end(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    with bench.qtbot.waitSignal(bench.window.saver.failed, timeout=10_000):
        bench.window.saver.save(str(tmp_path / "none" / "a.png"), 300, 200)
    assert "could not be written" in bench.window.failures.entries[-1].line


def test_too_large_a_picture_is_a_problem(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    with bench.qtbot.waitSignal(bench.window.saver.failed, timeout=10_000):
        bench.window.saver.save(str(tmp_path / "a.png"), 200_000, 100)
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_dialog_asks_for_size_then_file(bench: Bench, checkpoint: Path, tmp_path: Path) -> None:
    bench.open(checkpoint)
    bench.window.actions_table["save_picture"].trigger()
    dialog = bench.window.findChild(SaveDialog)
    assert dialog is not None
    assert dialog.size_wanted == bench.window.saver.screen_size
    dialog.preset.setCurrentIndex(2)
    dialog.preset.activated.emit(2)
    assert dialog.size_wanted == (1920, 1080)
    dialog.height_field.setValue(333)
    assert dialog.preset.currentText() == "Custom"
    dialog.save.click()
    chooser = bench.window.findChild(QFileDialog)
    assert chooser is not None
    with bench.qtbot.waitSignal(bench.window.saver.saved, timeout=10_000):
        chooser.fileSelected.emit(str(tmp_path / "b.png"))
    chooser.close()
    with Image.open(tmp_path / "b.png") as image:
        assert image.size == (1920, 333)
