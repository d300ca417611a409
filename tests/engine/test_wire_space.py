"""Pictures of three dimensions go over the channel as they are."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from nnscope.core.layout import volume_layout
from nnscope.core.request import BuildSpace, ProbeSpace
from nnscope.engine.wire import Ask, Reply, decode, encode
from tests.render import cubes, volumes

X = np.random.default_rng(0).normal(size=(5, 4, 9)).astype(np.float32)


@pytest.mark.parametrize("picture", [volumes.picture(X), cubes.on_grid(X), cubes.as_list(X)], ids=type)
def test_a_picture_comes_back_the_same(picture: object) -> None:
    message = decode(encode(Reply(3, picture)))  # type: ignore[arg-type]
    assert isinstance(message, Reply)
    assert type(message.answer) is type(picture)
    for field in dataclasses.fields(picture):  # type: ignore[arg-type]
        was, now = getattr(picture, field.name), getattr(message.answer, field.name)
        assert np.array_equal(was, now) if isinstance(was, np.ndarray) else was == now


def test_requests_come_back_the_same() -> None:
    layout = volume_layout(X.shape)
    for request in (
        BuildSpace("x", layout, "voxels", (("epsilon", 0.5), ("tau", np.inf)), True, 2),
        ProbeSpace("x", layout, (1, 2, 3), 4, "voxels"),
        ProbeSpace("x", layout, (1, 2)),
    ):
        assert decode(encode(Ask(1, request))) == Ask(1, request)
