"""``file.py:factory``: whatever is wrong in the user's own file becomes one sentence in its words."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
import torch

from nnscope.sources.live.factory import build
from nnscope.sources.live.targets import find_target
from nnscope.sources.live.usercode import UserCodeError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAD = "import torch\nfrom torch import nn\n"


@pytest.fixture(autouse=True)
def own_surroundings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "argv", sys.argv)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        if name in ("__user_model__", "beside"):
            del sys.modules[name]


def written(folder: Path, text: str) -> str:
    file = folder / "made.py"
    file.write_text(text)
    return str(file)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def make(:\n", "The file raised SyntaxError in line 1: invalid syntax."),
        ("import nowhere_to_be_found\n", "The file raised ModuleNotFoundError in line 1: No module named"),
        ("1 / 0\n", "The file raised ZeroDivisionError in line 1: division by zero."),
        ("import sys\nsys.exit('not today')\n", "The file raised SystemExit in line 2: not today."),
        ("raise KeyboardInterrupt\n", "The file raised KeyboardInterrupt in line 1: no message."),
        ("def other(): ...\n", "There is no function 'make' in the file."),
        ("make = 5\n", "There is no function 'make' in the file."),
        ("def make(size): ...\n", "The file raised TypeError: make() missing 1 required positional argument"),
        (
            "def make():\n    x = [1]\n    return x[3]\n",
            "The file raised IndexError in line 3: list index out of range.",
        ),
        ("def make(): ...\n", "The function returned nothing, not a model."),
        ("def make(): return 'model'\n", "The function returned something of type str, not a model."),
        ("def make(): return 1, 2\n", "The function returned something of type int, not a model."),
        ("def make(): raise RuntimeError()\n", "The file raised RuntimeError in line 1: no message."),
    ],
    ids=lambda value: value.splitlines()[-1][:40],
)
def test_what_is_wrong_in_the_file(tmp_path: Path, text: str, sentence: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserCodeError) as caught:
        build(path, "make")
    failure = caught.value.failure()
    assert failure.what.startswith(sentence)
    assert failure.where == f"{path}:make"
    assert failure.what.endswith(".")
    assert "nnscope" not in failure.details


def test_the_functions_there_are_get_named(tmp_path: Path) -> None:
    with pytest.raises(UserCodeError, match="It has: other, another"):
        build(written(tmp_path, "def other(): ...\ndef another(): ...\n"), "make")


@pytest.mark.parametrize(
    ("returned", "args", "kwargs"),
    [
        ("nn.Linear(2, 3)", None, {}),
        ("nn.Linear(2, 3), torch.ones(1, 2)", 1, {}),
        ("nn.Bilinear(2, 2, 3), (torch.ones(1, 2), torch.ones(1, 2))", 2, {}),
        ("nn.Bilinear(2, 2, 3), [torch.ones(1, 2), torch.ones(1, 2)]", 2, {}),
        ("nn.Linear(2, 3), {'input': torch.ones(1, 2)}", 0, {"input"}),
    ],
    ids=["model", "tensor", "tuple", "list", "dictionary"],
)
def test_model_and_example_inputs(tmp_path: Path, returned: str, args: int | None, kwargs: set[str]) -> None:
    path = written(tmp_path, f"{HEAD}def make(): return {returned}\n")
    target = find_target(f"{path}:make")
    assert isinstance(target.model, torch.nn.Module)
    if args is None:
        assert target.material.load is None
        return
    assert target.material.load is not None
    given, named = target.material.load(0)
    assert len(given) == args
    assert set(named) == set(kwargs)
    assert target.model(*given, **named).shape == (1, 3)


def test_it_runs_like_a_script_in_its_folder(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("SIZE = 7\n")
    body = "import sys\nfrom beside import SIZE\nassert sys.argv == [__file__]\ndef make(): return nn.Linear(SIZE, 1)\n"
    built = build(written(tmp_path, HEAD + body), "make")
    assert built.model.in_features == 7
