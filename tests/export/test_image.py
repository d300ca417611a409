"""A saved picture has the pixels it was given and says where it came from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from nnscope.core.errors import NnscopeError
from nnscope.core.picture import Step
from nnscope.export.image import encode_png, picture_metadata, write_png

if TYPE_CHECKING:
    from pathlib import Path


@settings(max_examples=20)
@given(arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40), st.just(4))))
def test_pixels_come_back(tmp_path_factory: pytest.TempPathFactory, rgba: np.ndarray) -> None:
    file = tmp_path_factory.mktemp("png") / "a.png"
    write_png(file, rgba, {})
    with Image.open(file) as image:
        assert image.size == (rgba.shape[1], rgba.shape[0])
        assert np.array_equal(np.asarray(image), rgba)


def test_read_only_and_strided_pixels() -> None:
    base = np.arange(4 * 6 * 4, dtype=np.uint8).reshape(4, 6, 4)
    flipped = base[::-1, ::2]
    flipped.flags.writeable = False
    assert encode_png(flipped, {}) == encode_png(np.ascontiguousarray(flipped), {})


def test_metadata_is_text_whatever_the_name(tmp_path: Path) -> None:
    name = "a\0b\x1b[2J\u202ec é <img src=x>"
    steps = (Step("read", True, "float32"), Step("tanh", False))
    write_png(tmp_path / "a.png", np.zeros((2, 2, 4), np.uint8), picture_metadata((name, "b"), steps, False))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        text = image.text  # type: ignore[attr-defined]
    assert text["Address"] == "a\\x00b\\x1b[2J\\u202ec é <img src=x>; b"
    assert text["Recipe"] == "read (float32) > tanh *"
    assert text["Software"].startswith("nnscope ")
    assert text["Mode"].startswith("aesthetic")


def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(NnscopeError):
        write_png(tmp_path / "folder.png", np.zeros((1, 1, 4), np.uint8), {})
    assert os.listdir(tmp_path) == ["folder.png"]
