"""Branches of whole models by request: of a demo at work, of the file of its weights, and of what has none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import nnscope
from nnscope.core.errors import NnscopeError
from nnscope.engine.branches import nested
from nnscope.sources.residual import IDENTITY, Branch, ResidualBlock

if TYPE_CHECKING:
    from nnscope.core.answer import Branches

MODELS = Path(__file__).parents[2] / "assets" / "models"


def widths(found: Branches) -> dict[tuple[str, ...], float]:
    return {region.path: region.w for region in found.regions}


def test_a_file_and_the_demo_at_work_tell_the_same() -> None:
    with nnscope.open(MODELS / "digits-cnn.safetensors") as file:
        named = file.branches()
        parts = [file[f"block2.{name}"].read() for name in ("conv1.weight", "conv2.weight")]
        parts += [file[f"block2.norm{n}.{name}"].read() for n in (1, 2) for name in ("weight", "bias")]
        past = file["block2.shortcut.weight"].read()
        with pytest.raises(NnscopeError, match="no activations"):
            file.branches(activations=True)
    with nnscope.open("demo:digits-cnn") as demo:
        traced, live = demo.branches(), demo.branches(activations=True)
        shown = np.linalg.norm(demo["block2.shortcut:output"].read().astype(np.float64))
    assert (named.traced, traced.traced, live.activations) == (False, True, True)
    assert [region.path[0] for region in named.regions if region.depth == 0] == ["block1", "block2", "block3"]
    assert [region.path[0] for region in traced.regions if region.depth == 0] == ["block1", "block2", "block3"]
    norms = {region.path: region.norm for region in named.regions}
    main = float(np.sqrt(sum((part.astype(np.float64) ** 2).sum() for part in parts)))
    assert norms["block2", "block2.shortcut"] == pytest.approx(np.linalg.norm(past), rel=1e-5)
    assert sorted(norm for path, norm in norms.items() if path[0] == "block2")[1] == pytest.approx(main, rel=1e-5)
    assert sorted(widths(named).values()) == pytest.approx(sorted(widths(traced).values()))
    assert {r.path[-1]: r.norm for r in live.regions}["block2.shortcut"] == pytest.approx(shown, rel=1e-5)
    assert all(region.norm > 0 for region in live.regions)  # the identity's too


def test_what_adds_nothing_has_none(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    with nnscope.open(tmp_path / "a.npy") as source:
        assert source.branches().regions == ()


def test_blocks_lie_in_the_branch_that_holds_them() -> None:
    inner = ResidualBlock("a.b", (Branch("a.b.c", ("a.b.c",), "a.b.c"), IDENTITY), True)
    outer = ResidualBlock("a", (Branch("a.b", ("a.b.c", "a.d"), "a.d"), IDENTITY), True)
    beside = ResidualBlock("e", (Branch("e.f", ("e.f",), "e.f"), IDENTITY), True)
    first, second = nested((inner, outer, beside), ((3.0, 4.0), (6.0, 8.0), (1.0, 0.0)))
    assert (first.name, first.norm, second.name) == ("a", 10.0, "e")
    (inside,) = first.parts[0].parts
    assert (inside.name, inside.norm, [part.skip for part in inside.parts]) == ("a.b", 5.0, [False, True])
