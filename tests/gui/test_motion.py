"""How many rays a moving picture gets: as many as fit into a frame, by what the last frames took."""

from __future__ import annotations

import pytest

from nnscope.gui.motion import COARSEST, TARGET, next_coarseness


@pytest.mark.parametrize("fixed", [0.002, 0.012], ids=["quick furniture", "usual"])
@pytest.mark.parametrize("per_ray", [0.005, 0.06, 0.3], ids=["few rays", "usual rays", "many rays"])
def test_frames_come_to_be_in_time_and_no_coarser_than_need_be(fixed: float, per_ray: float) -> None:
    frames = [(2, fixed + per_ray / 4)]
    for _ in range(6):
        q = next_coarseness(frames)
        frames.append((q, fixed + per_ray / q**2))
    settled, spent = frames[-1]
    assert spent <= 1.2 * TARGET or settled == COARSEST
    finer = settled - 1
    assert finer == 0 or fixed + per_ray / finer**2 > 0.9 * TARGET


def test_rays_are_not_blamed_for_what_takes_long_beside_them() -> None:
    frames = [(4, 0.035), (1, 0.034), (2, 0.0345)]
    assert next_coarseness(frames) <= 3


def test_one_slow_frame_does_not_end_in_the_coarsest_picture() -> None:
    frames = [(1, 0.06), (2, 0.024), (2, 0.025), (2, 0.024), (2, 0.09), (2, 0.024), (2, 0.025), (2, 0.025)]
    assert next_coarseness(frames) == 2
