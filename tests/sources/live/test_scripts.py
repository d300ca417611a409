"""Scripts that don't know nnscope: which model is recorded, what is a step, and how a script ends."""

from __future__ import annotations

import textwrap
import traceback
from typing import TYPE_CHECKING

import pytest

from nnscope.core.errors import NnscopeError
from nnscope.sources.live.scripts import Ended, Script, record_script
from nnscope.sources.live.watching import watch
from nnscope.store.runs.reader import RunReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

HEAD = """
import sys
import torch
from torch import nn
from torch.nn import functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.enc, self.head = nn.Linear(4, 40), nn.Linear(40, 2)
    def forward(self, x):
        return self.head(self.enc(x).relu())

def train(model, optimizer, steps, loss=lambda model, x: model(x).square().mean()):
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, torch.randn(3, 4)).backward()
        optimizer.step()
"""


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Ended]:
    """``record(text)`` runs a script with that text after `HEAD`, recorded in ``run``."""

    def run(text: str, *arguments: str, model: str = "", begin: Callable | None = None) -> Ended:
        path = tmp_path / "train.py"
        path.write_text(HEAD + textwrap.dedent(text))
        begin = begin or (lambda found: watch(found, tmp_path / "run", every=1))
        return record_script(Script(str(path), arguments), begin, model)

    return run


MODELS = {
    "called": ("Net", "m = Net()", "m(x)"),
    "parts called": ("Net", "m = Net()", "m.head(m.enc(x))"),
    "inside a larger one, parts called": ("Net", "m = Net(); both = nn.ModuleList([m, Net()])", "m.head(m.enc(x))"),
    "around it a wrapper": ("Net", "m = Net(); wrapper = nn.ModuleDict({'net': m})", "m.head(m.enc(x))"),
    "the called of equals": ("Sequential", "n = Net(); m = nn.Sequential(n)", "m(x)"),
    "a part beside the model": ("Net", "m = Net(); m.out = nn.Parameter(torch.ones(2))", "m(x) * m.out"),
}


@pytest.mark.parametrize(("name", "build", "call"), MODELS.values(), ids=MODELS.keys())
def test_the_model_that_trains_is_found(
    record: Callable[..., Ended], tmp_path: Path, name: str, build: str, call: str
) -> None:
    ended = record(f"""
        {build}
        loss = lambda m, x: ({call}).square().mean()
        train(m, torch.optim.SGD(m.parameters(), 0.1), 3, loss)
        count = sum(p.numel() for p in m.parameters())
        print(count)
    """)
    whole = 284 if "out" in build else 282
    assert (ended.code, ended.error, ended.trouble) == (0, None, "")
    assert ended.what == f"{name}, {whole} of the {whole} parameters that its SGD trains"
    reader = RunReader(tmp_path / "run")
    assert (reader.meta.model, len(reader.steps)) == (name, 3)
    at = "0." if name == "Sequential" else ""
    assert {f"{at}enc:output", f"{at}head:output"} <= set(reader.tensors())
    reader.close()


def test_parameters_of_no_module_are_counted_as_such(record: Callable[..., Ended]) -> None:
    ended = record("""
        m, scale = Net(), nn.Parameter(torch.ones(()))
        train(m, torch.optim.Adam([*m.parameters(), scale]), 1, lambda m, x: (m(x) * scale).square().mean())
    """)
    assert ended.what == "Net, 282 of the 283 parameters that its Adam trains"


STEPS = {
    "a second optimiser of the same": (
        20,
        """
        first, second = torch.optim.Adam(m.parameters()), torch.optim.SGD(m.parameters(), 0.01)
        train(m, first, 10); train(m, second, 10)
        """,
    ),
    "one whose first is gone, of a part": (
        8,
        """
        train(m, torch.optim.Adam(m.parameters()), 5)
        import gc; gc.collect()
        train(m, torch.optim.Adam(m.head.parameters()), 3)
        """,
    ),
    "different parts in turn": (
        5,
        """
        parts = [torch.optim.Adam(m.enc.parameters()), torch.optim.Adam(m.head.parameters())]
        for _ in range(5):
            for part in parts: train(m, part, 1)
        """,
    ),
    "different parts at once": (
        5,
        """
        parts = [torch.optim.Adam(m.enc.parameters()), torch.optim.Adam(m.head.parameters())]
        for _ in range(5):
            m(torch.randn(3, 4)).square().mean().backward()
            for part in parts: part.step()
        """,
    ),
    "an optimiser around another": (
        4,
        """
        class Around(torch.optim.Optimizer):
            def __init__(self, inner):
                self.inner = inner
                super().__init__(inner.param_groups, {})
            def step(self):
                self.inner.step()
        train(m, Around(torch.optim.SGD(m.parameters(), 0.1)), 4)
        """,
    ),
}


@pytest.mark.parametrize(("steps", "text"), STEPS.values(), ids=STEPS.keys())
def test_what_a_step_is(record: Callable[..., Ended], steps: int, text: str) -> None:
    ended = record("m = Net()\n" + textwrap.dedent(text))
    assert ended.error is None
    assert (ended.code, ended.run.steps) == (0, steps)


@pytest.mark.logs_errors
def test_a_recording_that_can_not_begin_is_told_once_and_the_script_goes_on(
    record: Callable[..., Ended], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def begin(model: torch.nn.Module) -> None:
        raise NnscopeError("No room.", "here")

    ended = record("m = Net(); train(m, torch.optim.SGD(m.parameters(), 0.1), 3); print('trained')", begin=begin)
    assert capsys.readouterr().out == "trained\n"
    assert (ended.run, ended.code, ended.error, ended.trouble) == (None, 0, None, "here: No room.")
    assert len(caplog.records) == 1


ENDS = {
    "well": ("print('hello')", 0, "The script trained no model with an optimiser of PyTorch."),
    "by exit": ("sys.exit(7)", 7, ""),
    "by exit(0)": ("sys.exit(0)", 0, "The script trained no model with an optimiser of PyTorch."),
    "by a sentence": ("sys.exit('so it is')", 1, ""),
    "by wrong arguments": ("import argparse; argparse.ArgumentParser().parse_args()", 2, ""),
    "by an error": ("def inner():\n    raise ValueError('mine')\ninner()", 1, ""),
    "by an error in backward": ("Net()(torch.ones(1, 4)).backward()", 1, ""),
    "by wrong syntax": ("x = = 1", 1, ""),
    "by Ctrl+C": ("raise KeyboardInterrupt", 130, ""),
}


@pytest.mark.parametrize(("text", "code", "trouble"), ENDS.values(), ids=ENDS.keys())
def test_a_script_ends_as_by_itself(
    record: Callable[..., Ended], capsys: pytest.CaptureFixture[str], text: str, code: int, trouble: str
) -> None:
    ended = record(text, "--wrong")
    assert (ended.run, ended.code, ended.trouble) == (None, code, trouble)
    assert (ended.error is not None) == (not trouble and "exit" not in text and "argparse" not in text)
    if "so it is" in text:
        assert capsys.readouterr().err == "so it is\n"
    shown = "".join(traceback.format_exception(ended.error)) if ended.error is not None else ""
    assert "runpy" not in shown
    assert "nnscope" not in shown
    if "inner" in text:
        assert [frame.name for frame in traceback.extract_tb(ended.error.__traceback__)] == ["<module>", "inner"]


def test_the_class_that_is_wanted(record: Callable[..., Ended]) -> None:
    text = """
        class Other(nn.Linear): pass
        a, b = Other(4, 2), Net()
        train(a, torch.optim.SGD(a.parameters(), 0.1), 2)
        train(b, torch.optim.SGD(b.parameters(), 0.1), 3)
    """
    ended = record(text, model="None")
    assert ended.trouble == "The script trained no model of the class None with an optimiser of PyTorch."
    ended = record(text, model="Net")
    assert (ended.what.partition(",")[0], ended.run.steps) == ("Net", 3)


def test_a_module_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "training_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "net.py").write_text(HEAD)
    (package / "main.py").write_text(
        "import sys\nfrom .net import *\n"
        "assert sys.argv[1:] == ['--help', '-m'] and __name__ == '__main__'\n"
        "m = Net(); train(m, torch.optim.SGD(m.parameters(), 0.1), 2)"
    )
    monkeypatch.chdir(tmp_path)
    script = Script("training_of_mine.main", ("--help", "-m"), is_module=True)
    ended = record_script(script, lambda found: watch(found, tmp_path / "run", every=1))
    assert (ended.code, ended.error, ended.run.steps) == (0, None, 2)
    with pytest.raises(NnscopeError, match="no such module"):
        record_script(Script("training_of_mine.none", is_module=True), watch)
    with pytest.raises(NnscopeError, match="no such script"):
        record_script(Script("none.py"), watch)
