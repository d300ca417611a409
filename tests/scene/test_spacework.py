"""Pictures of three dimensions at hand: what stands in while another one is built."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nnscope.core.layout import volume_layout
from nnscope.scene.compose_space import at_hand
from nnscope.scene.spacework import SpaceKey, SpaceStore
from tests.render import cubes


def test_while_settings_change_the_last_picture_stands_in() -> None:
    store, picture = SpaceStore(), cubes.on_grid(np.ones((3, 3, 3)))
    key = SpaceKey("source", "x", "voxels", volume_layout((3, 3, 3)), (("epsilon", 0.0),), 0)
    assert at_hand(key, store) is None
    store.put(key, picture)
    other = replace(key, settings=(("epsilon", 1.0),))
    assert at_hand(key, store) == (key, picture)
    assert at_hand(other, store) == (key, picture)
    assert at_hand(replace(other, address="y"), store) is None
    coarse = replace(other, level=1)
    store.put(coarse, picture)
    assert at_hand(other, store) == (coarse, picture)
