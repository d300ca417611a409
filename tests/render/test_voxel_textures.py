"""Textures of large volumes: half floats where these are exact, uploaded in slabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.render import volumes

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_half_floats_in_slabs_show_the_same(
    screen: Offscreen, interpolation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = np.random.default_rng(1).normal(size=(23, 14, 9)).astype(np.float16)
    _, plain, _ = volumes.drawn(screen, volumes.pane(volumes.picture(x), interpolation=interpolation))
    monkeypatch.setattr("nnscope.render.voxels.LARGE", 0)
    monkeypatch.setattr("nnscope.render.voxels.SLAB", 4 * 14 * 9 * 4)
    _, halves, _ = volumes.drawn(screen, volumes.pane(volumes.picture(x), interpolation=interpolation))
    assert (plain == halves).all()


@pytest.mark.parametrize(("value", "half"), [(0.5, True), (0.1, False), (7e4, False), (1e-9, False), (-0.0, True)])
def test_half_floats_must_be_exact(value: float, half: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.render.voxels import is_half

    x = np.ones((4, 4, 4), np.float32)
    assert not is_half(x)
    monkeypatch.setattr("nnscope.render.voxels.LARGE", 0)
    x[3, 2, 1] = value
    assert is_half(x) == half
