"""Commands on models that run: in a process of their own, and only when it has to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FACTORY = """
import torch

def make():
    print("printed by the factory")
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU())
    torch.nn.init.ones_(model[0].weight)
    torch.nn.init.zeros_(model[0].bias)
    return model, torch.tensor([[1.0, 2.0, 3.0]])

def broken():
    raise ValueError("no weights here")
"""


@pytest.fixture
def factory(tmp_path: Path) -> str:
    path = tmp_path / "net.py"
    path.write_text(FACTORY)
    return str(path)


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(target: str) -> None:
        raise NnscopeError("A model was started.", target)

    monkeypatch.setattr("nnscope.engine.spawn.start_model", refuse)


def test_what_a_model_gives(nnscope: Callable, factory: str) -> None:
    result = nnscope("info", f"{factory}:make", "--stats", "--json")
    tensors = {tensor["address"]: tensor for tensor in result.document["tensors"]}
    assert (result.code, result.err) == (0, "")
    assert result.document["parameters"] == 16
    assert tensors["0:output"]["kind"] == "output"
    assert (tensors["0:output"]["stats"]["min"], tensors["0:output"]["stats"]["max"]) == (6, 6)


def test_a_factory_that_fails_is_one_sentence(nnscope: Callable, factory: str) -> None:
    result = nnscope("probe", f"{factory}:broken", "0:output", "--at", "0,0")
    assert (result.code, result.out) == (1, "")
    assert "no weights here" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.usefixtures("no_model")
def test_weights_of_a_demo_start_no_model(nnscope: Callable) -> None:
    result = nnscope("probe", "demo:digits-cnn", "head.weight[1]", "--at", "2", "--json")
    assert (result.code, result.document["index"]) == (0, [1, 2])
    for arguments in (("head:output", "--at", "0,1"), ("head.weight", "--at", "1,2", "--sample", "3")):
        assert "A model was started." in nnscope("probe", "demo:digits-cnn", *arguments).err


@pytest.mark.gl
def test_an_activation_of_a_demo(nnscope: Callable, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    arguments = ("block1.conv1:output", "-o", out, "--sample", "7", "--size", "320x240", "--json")
    result = nnscope("render", "demo:digits-cnn", *arguments)
    assert (result.code, result.err) == (0, "")
    assert out.exists()


def test_no_such_demo(nnscope: Callable) -> None:
    result = nnscope("info", "demo:nothing")
    assert (result.code, result.out, result.err.count("\n")) == (1, "", 1)
    assert "demo:digits-cnn" in result.err


def test_what_can_be_observed_of_a_model(nnscope: Callable, factory: str, npz: Path) -> None:
    result = nnscope("info", f"{factory}:make", "--modules", "--json")
    assert [(m["path"], m["type"], m["observed"]) for m in result.document["modules"]] == [
        ("", "Sequential", "yes"),
        ("0", "Linear", "yes"),
        ("1", "ReLU", "yes"),
    ]
    assert "could be observed" in nnscope("info", npz, "--modules").err


def test_attention_of_a_demo(nnscope: Callable, tmp_path: Path) -> None:
    out, address = tmp_path / "head.png", "blocks:attention.layers[2, 0, 1]"
    result = nnscope("render", "demo:digits-vit", address, "-o", out, "--view", "attention", "--json")
    assert (result.code, result.document["view"]) == (0, "attention")
    assert out.read_bytes()[:4] == b"\x89PNG"
