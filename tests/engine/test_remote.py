"""The engine at the other end: what happens when that end is killed, hangs, talks nonsense, or is closed (P22, P23)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.answer import Changed, ControlAnswer, Died, Notice, Series, Values
from nnscope.core.errors import Failure
from nnscope.core.layout import default_layout, planes
from nnscope.core.request import (
    BuildPicture,
    Control,
    GetSeries,
    GetSpectrum,
    GetStats,
    ListTensors,
    Probe,
    ReadRegion,
    Request,
)
from nnscope.core.tensor import Listing
from nnscope.engine import spawn
from nnscope.engine.attach import attach
from nnscope.engine.remote import RemoteEngine
from nnscope.engine.spawn import ChildProcess, start_model
from tests.engine.channelpeers import Beside, ScriptedEngine, connected, held, runs, server_in, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]

SLOW = """
import time
from pathlib import Path
print("about to sleep")
def make():
    Path(__file__).with_name("asleep").touch()
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def demo() -> Iterator[RemoteEngine]:
    """One model process for all tests that leave it as it is."""
    engine = start_model("demo:digits-cnn")
    yield engine
    engine.close()


def listing(engine: RemoteEngine) -> Listing:
    answer = engine.submit(ListTensors()).answer(60)
    assert isinstance(answer, Listing), answer
    return answer


def values(engine: RemoteEngine, address: str) -> Values:
    shape = next(info.shape for info in listing(engine).tensors if info.address == address)
    answer = engine.submit(ReadRegion(address, tuple((0, n, 1) for n in shape))).answer(20)
    assert isinstance(answer, Values), answer
    return answer


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], list[str]]]:
    """What lies in the folder for temporary files, which is this test's own and has a short path."""
    with tempfile.TemporaryDirectory(prefix="nnt-") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield lambda: os.listdir(folder)


def test_a_live_model_is_listed_and_read(demo: RemoteEngine) -> None:
    found = listing(demo)
    assert (found.path, found.format) == ("demo:digits-cnn", "live")
    assert found.live["can_train"] is True
    assert found.live["prediction"] == "0"
    assert sum(found.live["probabilities"]) == pytest.approx(1)  # type: ignore[arg-type]
    kinds = {info.kind for info in found.tensors}
    assert kinds == {"parameter", "buffer", "input", "output"}
    assert not [info for info in found.tensors if info.unreadable]
    assert {"block1", "block3.conv2"} <= {module.path for module in found.modules}
    weight = values(demo, "head.weight")
    from safetensors.numpy import load_file

    stored = load_file(ROOT / "assets/models/digits-cnn.safetensors")
    np.testing.assert_array_equal(weight.values, stored["head.weight"])
    stats = demo.submit(GetStats("block2:output")).answer(20)
    assert stats.min == 0  # after a ReLU
    assert stats.max > 0


@pytest.mark.parametrize(
    "request_",
    [
        BuildPicture("block1:output", default_layout((1, 16, 8, 8))),
        BuildPicture("block1:output", planes((1, 16, 8, 8)), view="rgb"),
        Probe("block1:output", default_layout((1, 16, 8, 8)), 3, 5),
        GetSpectrum("head.weight"),
        GetStats("block1.norm1.running_var", exact=False),
    ],
    ids=lambda request: type(request).__name__,
)
def test_every_request_is_answered(demo: RemoteEngine, request_: Request) -> None:
    answer = demo.submit(request_).answer(30)
    assert not isinstance(answer, Failure), answer


def test_choosing_a_sample_changes_what_is_captured(demo: RemoteEngine) -> None:
    before = values(demo, "(model):input")
    seen: list[Notice] = []
    demo.notices.connect(seen.append)
    answer = demo.submit(Control("sample", (("index", 7),))).answer(20)
    assert dict(answer.result)["prediction"] == "7"
    assert wait_for(lambda: seen)
    demo.notices.disconnect(seen.append)
    (notice,) = seen
    assert isinstance(notice, Changed)
    assert "(model):input" in notice.addresses
    assert "head.weight" not in notice.addresses
    after = values(demo, "(model):input")
    assert before.version < after.version <= notice.version
    assert not np.array_equal(before.values, after.values)
    assert listing(demo).live["sample"] == 7


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        (Control("sample", (("index", 5000),)), "There is no such sample"),
        (Control("sample", (("index", "3"),)), "needs a whole number"),
        (Control("sample"), "needs a whole number"),
        (Control("explode"), "There is no such command"),
    ],
    ids=["far", "text", "none", "unknown"],
)
def test_commands_that_make_no_sense(demo: RemoteEngine, control: Control, sentence: str) -> None:
    answer = demo.submit(control).answer(20)
    assert isinstance(answer, Failure)
    assert sentence in str(answer)


def test_training_lowers_the_loss_while_everything_can_be_read(demo: RemoteEngine) -> None:
    seen: list[Changed] = []
    demo.notices.connect(seen.append)
    before = values(demo, "block1.conv1.weight")
    began = dict(demo.submit(Control("train")).answer(20).result)
    assert began["training"] is True
    assert isinstance(demo.submit(Control("train")).answer(20), Failure)  # it is being trained already
    run = attach(str(began["run"]))
    versions: list[int] = []
    losses: list[float] = []
    begun = time.monotonic()
    while time.monotonic() - begun < 40 and not (len(losses) > 8 and losses[-1] < 0.8 * losses[0]):
        versions += [values(demo, "block1.conv1.weight").version, values(demo, "block1:output").version]
        demo.submit(Control("sample", (("index", len(versions) % 10),))).answer(20)
        found = run.submit(GetSeries("", "loss")).answer(20)
        losses = found.values.tolist() if isinstance(found, Series) else []
    run.close()
    demo.submit(Control("stop")).answer(40)
    told = len(seen)
    assert losses[-1] < 0.8 * losses[0]
    assert versions[::2] == sorted(versions[::2])
    assert dict(seen[-1].status)["training"] is False
    after = values(demo, "block1.conv1.weight")
    assert not np.array_equal(before.values, after.values)
    time.sleep(0.3)
    assert len(seen) == told  # stop means stop, and the model is kept
    np.testing.assert_array_equal(values(demo, "block1.conv1.weight").values, after.values)
    demo.notices.disconnect(seen.append)


def test_killed_it_says_so_and_can_be_started_again(tmp_path: Path, folders: Callable[[], list[str]]) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    engine = start_model(f"{tmp_path}/slow.py:make")
    seen: list[Notice] = []
    told: list[str] = []
    engine.notices.connect(seen.append)
    waiting = engine.submit(ListTensors(), lambda progress: told.append(progress.text))
    assert wait_for(lambda: (tmp_path / "asleep").exists(), 30)
    assert wait_for(lambda: "Building the model" in told, 10)
    peer = engine._peer
    assert isinstance(peer, ChildProcess)
    begun = time.monotonic()
    os.kill(peer.pid, signal.SIGKILL)
    failure = waiting.answer(2)
    assert time.monotonic() - begun < 2
    assert isinstance(failure, Failure)
    assert failure.code == "died"
    assert "SIGKILL" in failure.what
    assert "about to sleep" in failure.details
    assert wait_for(lambda: seen)
    assert seen == [Died(failure.what)]
    assert engine.submit(GetSpectrum("x")).answer(0) == failure  # at once, and for good
    again = start_model("demo:nothing")
    assert "There is no demo model of this name" in again.submit(ListTensors()).answer(60).what
    for each in (engine, again, engine):
        each.close()
    assert folders() == []


def test_the_process_ends_with_its_parent(folders: Callable[[], list[str]]) -> None:
    code = (
        "from nnscope.engine.spawn import ChildProcess, start_model\n"
        "engine = start_model('demo:digits-cnn')\n"
        "print(engine._peer.pid, flush=True)\n"
        "input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdin is not None
    child = int(parent.stdout.readline())
    assert runs(child)
    time.sleep(0.3)  # it is importing, and has read its orders
    parent.kill()
    parent.wait()
    parent.stdout.close()
    parent.stdin.close()
    assert wait_for(lambda: not runs(child))
    assert wait_for(lambda: folders() == [])


def test_a_process_that_ends_by_itself_is_told_with_the_last_it_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "KEPT", 1000)
    (tmp_path / "loud.py").write_text("import os\nprint('x' * 10**6 + 'bye')\ndef make(): os._exit(7)\n")
    engine = start_model(f"{tmp_path}/loud.py:make")
    failure = engine.submit(ListTensors()).answer(60)
    engine.close()
    assert "exit status 7" in failure.what
    assert len(failure.details) <= 1000
    assert failure.details.endswith("bye\n")


@pytest.mark.parametrize("target", ["demo:nothing", "/nowhere/model.py:make"])
def test_a_target_that_is_not_there_is_told_at_once(target: str) -> None:
    engine = start_model(target)
    failure = engine.submit(ListTensors()).answer(60)
    engine.close()
    assert failure.what.startswith("There is no")
    assert failure.where == target


def test_an_error_in_the_users_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("json", "numpy", "torch", "zmq"):  # files in the present folder are none of ours
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the present folder')")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    file = tmp_path / "models" / "model.py"
    file.write_text("import sys\nsys.stdin.read()\n\ndef make():\n    return undefined_name\n")
    engine = start_model(f"{file}:make")
    failure = engine.submit(ListTensors()).answer(60)
    again = engine.submit(GetStats("x")).answer(20)
    engine.close()
    assert isinstance(failure, Failure)
    assert failure == again
    assert failure.what == "The file raised NameError in line 5: name 'undefined_name' is not defined."
    assert failure.where == f"{file}:make"
    assert "return undefined_name" in failure.details
    assert "nnscope" not in failure.details


def test_no_python_to_start(monkeypatch: pytest.MonkeyPatch, folders: Callable[[], list[str]]) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Exception, match="The model process can't be started"):
        start_model("demo:digits-cnn")
    assert folders() == []


def test_opening_and_closing_leaves_nothing(folders: Callable[[], list[str]]) -> None:
    start_model("demo:digits-cnn").close()  # what is made once per process
    counts = held()
    for _ in range(20):
        engine = start_model("demo:digits-cnn")
        waiting = engine.submit(ListTensors())
        engine.close()
        engine.close()
        assert waiting.answer(0).code == "closed"
        assert engine.submit(ListTensors()).answer(0).code == "closed"
    assert wait_for(lambda: held()[0] <= counts[0])
    assert held()[1] == counts[1]
    assert folders() == []


def test_closing_in_a_notice_does_not_hang() -> None:
    engine = ScriptedEngine(lambda job, on_progress: ControlAnswer("echo"))
    with connected(engine) as (remote, _, peer):
        remote.notices.connect(lambda notice: remote.close())
        remote.submit(ListTensors()).answer(5)
        engine.notices.emit(Changed(1))
        assert wait_for(lambda: peer.closed)
        assert remote.submit(ListTensors()).answer(0).code == "closed"


def test_a_lost_connection_ends_it() -> None:
    engine = ScriptedEngine(lambda job, on_progress: None)
    seen: list[Notice] = []
    with connected(engine) as (remote, server, _):
        remote.notices.connect(seen.append)
        waiting = remote.submit(ListTensors())
        assert wait_for(lambda: engine.jobs)
        server.close()
        assert waiting.answer(5).code == "died"
        assert wait_for(lambda: seen == [Died("The connection to the model process was lost.")])


def test_a_wrong_token_ends_it() -> None:
    engine = ScriptedEngine(lambda job, on_progress: None)
    with server_in(engine) as (_, folder, _):
        other = RemoteEngine(Beside(folder, "0" * 64))
        assert "refused the connection" in other.submit(ListTensors()).answer(5).what
        other.close()


def test_nonsense_from_the_process_ends_it() -> None:
    engine = ScriptedEngine(lambda job, on_progress: None)
    with connected(engine) as (remote, server, _):
        waiting = remote.submit(ListTensors())
        assert wait_for(lambda: engine.jobs)
        client = next(iter(server._clients))
        server._mailbox.put(lambda: server._send(client, b"\x80nonsense"))
        failure = waiting.answer(5)
    assert "not understood" in failure.what
    assert failure.details == "the last words"
