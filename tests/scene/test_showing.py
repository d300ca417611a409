"""Which view another tensor is shown in."""

from __future__ import annotations

from dataclasses import replace

from nnscope.core.tensor import TensorInfo
from nnscope.scene.showing import showing
from nnscope.scene.state import PaneState


def _info(name: str, *shape: int, kind: str = "parameter", unreadable: str = "") -> TensorInfo:
    return TensorInfo(name, shape, "float32", kind, 4, unreadable=unreadable)


CUBE, MATRIX = _info("cube", 3, 4, 5), _info("matrix", 3, 4)
FLOW = _info("gradient-flow", 3, 4, kind="gradient-flow")


def _after(pane: PaneState, *infos: TensorInfo) -> list[str]:
    views = []
    for info in infos:
        pane = showing(pane, "run", info.address, info)
        assert (pane.source, pane.address) == ("run", info.address)
        views.append(pane.view)
    return views


def test_a_view_that_is_not_for_a_tensor_makes_way_until_it_is() -> None:
    pane = PaneState(view="volume")
    assert _after(pane, CUBE, MATRIX, MATRIX, CUBE) == ["volume", "heatmap", "heatmap", "volume"]
    assert _after(PaneState(view="rgb"), FLOW, CUBE) == ["gradient-flow", "rgb"]
    assert _after(pane, FLOW, FLOW, MATRIX, CUBE) == ["gradient-flow", "gradient-flow", "heatmap", "volume"]


def test_what_is_chosen_meanwhile_stays() -> None:
    standing_in = showing(PaneState(view="volume"), "run", "matrix", MATRIX)
    assert _after(replace(standing_in, view="landscape"), CUBE, MATRIX) == ["landscape", "landscape"]


def test_what_can_not_be_read_or_is_not_known_keeps_the_view() -> None:
    pane = PaneState(view="volume")
    assert _after(pane, _info("matrix", 3, 4, unreadable="It is damaged.")) == ["volume"]
    assert showing(pane, "run", "matrix", None).view == "volume"
    assert showing(PaneState(view="gradient-flow"), "run", "matrix", None).view == "heatmap"
