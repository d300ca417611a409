"""``nnscope.launch``: what the window is asked to show."""

from __future__ import annotations

import sys
import types
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

import nnscope

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict]]:
    """What windows were asked to show, instead of windows."""
    calls: list[tuple[list[str], dict]] = []

    def run(paths: list[str], engines: dict | None = None) -> int:
        calls.append((paths, engines or {}))
        return 0

    monkeypatch.setitem(sys.modules, "nnscope.app", types.SimpleNamespace(run=run))
    return calls


def test_paths_and_collections(shown: list, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros(3))
    with nnscope.open(path) as source:
        assert nnscope.launch(source) == 0
    nnscope.launch(path)
    nnscope.launch("demo:digits-cnn")
    nnscope.launch()
    assert shown == [([str(path)], {}), ([str(path)], {}), (["demo:digits-cnn"], {}), ([], {})]


def test_captured_values_are_shown_as_they_are(shown: list) -> None:
    model = torch.nn.Linear(3, 2)
    with nnscope.capture(model) as cap:
        result = model(torch.ones(1, 3))
        nnscope.launch(cap)
        ((paths, engines),) = shown
        ((name, engine),) = engines.items()
        names = [info.address for info in engine.source.listing().tensors]
        engine.close()  # as the window does
        again = model(torch.zeros(1, 3))
    assert (paths, name) == ([], "Linear")
    assert {"weight", "bias", "(model):output"} <= set(names)
    assert result.tolist() != again.tolist()
    np.testing.assert_array_equal(cap["(model):output"], again.detach().numpy())  # the capture went on
