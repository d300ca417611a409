"""The channel: who may talk, and that nothing else gets more than a close (P23)."""

from __future__ import annotations

import hmac
import os
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import zmq

from nnscope.core.answer import Changed, ControlAnswer, Progress, Values
from nnscope.core.errors import Failure
from nnscope.core.request import Control, GetSpectrum, ListTensors, ReadRegion
from nnscope.engine import channel, server
from nnscope.engine.channel import client_socket, find_endpoint
from nnscope.engine.wire import Ask, Hello, Reply, decode, encode
from tests.engine.channelpeers import ScriptedEngine, connected, server_in, wait_for

ECHO = ScriptedEngine(lambda job, on_progress: ControlAnswer("echo"))


class Line:
    """A client by hand."""

    def __init__(self, folder: Path, token: str) -> None:
        self._context: zmq.Context[Any] = zmq.Context()
        endpoint = find_endpoint(folder)
        assert endpoint is not None
        self.socket = client_socket(self._context, token)
        self.monitor = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_DISCONNECTED)
        self.socket.connect(endpoint)

    def say(self, data: bytes) -> None:
        with suppress(zmq.Again):  # there is no one at the other end any more
            self.socket.send(data, zmq.NOBLOCK)

    def hears(self, milliseconds: int = 3000) -> bytes | None:
        return self.socket.recv() if self.socket.poll(milliseconds) else None

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *error: object) -> None:
        self._context.destroy(linger=0)


def answered(line: Line, number: int = 1) -> bool:
    line.say(encode(Ask(number, ListTensors())))
    heard = line.hears()
    return heard is not None and decode(heard) == Reply(number, ControlAnswer("echo"))


def test_only_this_user_can_enter_the_folder() -> None:
    with server_in(ECHO) as (_, folder, token):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert len(token) == 64
        assert int(token, 16).bit_length() <= 256
        assert token != channel.new_token()


def test_the_token_opens() -> None:
    with server_in(ECHO) as (_, folder, token), Line(folder, token) as line:
        assert answered(line)


@pytest.mark.parametrize("token", ["0" * 64, "nnscope"])
def test_without_the_token_there_is_only_a_close(token: str) -> None:
    seen: list[object] = []
    engine = ScriptedEngine(lambda job, on_progress: seen.append(job))
    with server_in(engine) as (_, folder, right):
        with Line(folder, token) as line:
            line.say(encode(Hello()))
            line.say(encode(Ask(1, ListTensors())))
            assert line.monitor.poll(3000)
            assert line.hears(100) is None
        assert seen == []
        with Line(folder, right) as line:
            assert line.hears(10) is None


def test_the_token_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []
    original = hmac.compare_digest

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return original(a, b)

    monkeypatch.setattr(channel.hmac, "compare_digest", compare)
    with server_in(ECHO) as (_, folder, token), Line(folder, token) as line:
        assert answered(line)
    assert (token.encode(), token.encode()) in compared


def test_another_version_of_the_protocol_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with server_in(ECHO) as (_, folder, token):
        monkeypatch.setattr(channel, "USER", b"nnscope/0")
        with Line(folder, token) as line:
            monkeypatch.undo()
            line.say(encode(Ask(1, ListTensors())))
            assert line.hears(200) is None


@pytest.mark.parametrize("garbage", [b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\xff" + b"\0" * 8 + b"\x7f"])
def test_garbage_on_the_socket_is_closed(garbage: bytes) -> None:
    with server_in(ECHO) as (_, folder, token):
        endpoint = find_endpoint(folder)
        assert endpoint is not None
        with socket.socket(socket.AF_UNIX) as raw:
            raw.settimeout(5)
            raw.connect(endpoint.removeprefix("ipc://"))
            raw.sendall(garbage)
            heard = b""
            try:
                while chunk := raw.recv(4096):
                    heard += chunk
            except ConnectionResetError:
                pass
        assert len(heard) <= 64  # ZeroMQ's greeting says which protocol it speaks, and no more
        with Line(folder, token) as line:
            assert answered(line)


@pytest.mark.parametrize("data", [b"", b"\x80", os.urandom(300), encode(Reply(1, Failure("x"))), b"\x91" * 5000])
def test_garbage_from_a_known_client_is_passed_over(data: bytes) -> None:
    with server_in(ECHO) as (_, folder, token), Line(folder, token) as line:
        line.say(data)
        assert answered(line)


def test_a_message_over_the_limit_closes_the_connection() -> None:
    with server_in(ECHO) as (_, folder, token), Line(folder, token) as line:
        line.say(b"\0" * (channel.REQUEST_LIMIT + 1))
        assert line.monitor.poll(3000)


def test_where_the_path_is_too_long_for_a_unix_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_LONGEST_PATH", 5)
    with server_in(ECHO) as (_, folder, token), Line(folder, token) as line:
        endpoint = find_endpoint(folder)
        assert endpoint is not None
        assert endpoint.startswith("tcp://127.0.0.1:")
        assert answered(line)


def test_requests_wait_for_the_engine_and_are_told_why() -> None:
    told: list[str] = []
    engine = ScriptedEngine(lambda job, on_progress: ControlAnswer("echo"))
    with connected() as (remote, server_, _):
        job = remote.submit(ListTensors(), lambda progress: told.append(progress.text))
        gone = remote.submit(GetSpectrum("x"))
        server_.tell("Importing PyTorch")
        assert wait_for(lambda: "Importing PyTorch" in told)
        gone.cancel()
        later = remote.submit(Control("later"), lambda progress: told.append("later"))
        assert wait_for(lambda: "later" in told)  # so the server has seen what came before
        server_.serve(engine)
        assert job.answer(5) == later.answer(5) == ControlAnswer("echo")
    assert [job.request for job in engine.jobs] == [ListTensors(), Control("later")]


def test_a_server_that_fails_says_so_to_all() -> None:
    failure = Failure("There is no such file.", "model.py:make")
    with connected() as (remote, server_, _):
        before = remote.submit(ListTensors())
        server_.fail(failure)
        assert before.answer(5) == failure
        assert remote.submit(Control("train")).answer(5) == failure


def test_cancelling_reaches_the_engine() -> None:
    engine = ScriptedEngine(lambda job, on_progress: None)
    with connected(engine) as (remote, _, _):
        job = remote.submit(GetSpectrum("x"))
        assert wait_for(lambda: engine.jobs)
        job.cancel()
        assert wait_for(engine.jobs[0].cancelled.is_set)
        assert engine.jobs[0].future.cancelled()


def test_progress_arrives_and_is_thinned_out() -> None:
    def script(job: Any, on_progress: Any) -> Any:
        for done in range(10_000):
            on_progress(Progress(done, 10_000))
        return ControlAnswer("done")

    seen: list[Progress] = []
    with connected(ScriptedEngine(script)) as (remote, _, _):
        remote.submit(GetSpectrum("x"), seen.append).answer(10)
    assert seen[0] == Progress(0, 10_000)
    assert len(seen) < 100


def test_notices_reach_every_client() -> None:
    engine = ScriptedEngine(lambda job, on_progress: ControlAnswer("echo"))
    notice = Changed(7, ("a:output",), (("loss", 0.5),))
    seen: list[object] = []
    with connected(engine) as (remote, _, _):
        remote.notices.connect(seen.append)
        remote.submit(ListTensors()).answer(5)
        engine.notices.emit(notice)
        assert wait_for(lambda: seen == [notice])


def test_a_receiver_that_raises_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    def fails(progress: Progress) -> None:
        raise ValueError("mine")

    engine = ScriptedEngine(lambda job, on_progress: (on_progress(Progress(1, 2)), ControlAnswer("echo"))[1])
    with caplog.at_level("CRITICAL", "nnscope.engine.remote"), connected(engine) as (remote, _, _):
        assert remote.submit(ListTensors(), fails).answer(5) == ControlAnswer("echo")
        assert remote.submit(ListTensors()).answer(5) == ControlAnswer("echo")


@pytest.mark.parametrize("limit", [1000, channel.ANSWER_LIMIT])
def test_an_answer_over_the_limit_is_a_failure(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.setattr(server, "ANSWER_LIMIT", limit)
    engine = ScriptedEngine(lambda job, on_progress: Values("x", np.zeros(1000, np.float32)))
    with connected(engine) as (remote, _, _):
        answer = remote.submit(ReadRegion("x", ((0, 1000, 1),))).answer(5)
    assert (answer.code == "too-large") if limit == 1000 else answer.values.shape == (1000,)


def test_an_answer_that_cannot_travel_is_a_failure() -> None:
    with connected(ScriptedEngine(lambda job, on_progress: object())) as (remote, _, _):
        answer = remote.submit(ListTensors()).answer(5)
    assert isinstance(answer, Failure)
    assert "can't be sent" in answer.what


def test_a_request_that_cannot_travel_is_a_failure() -> None:
    with connected(ECHO) as (remote, _, _):
        answer = remote.submit(Control("x", (("n", 2**70),))).answer(5)
    assert isinstance(answer, Failure)


def test_submitting_never_blocks_while_nothing_listens(tmp_path: Path) -> None:
    from nnscope.engine.remote import RemoteEngine
    from tests.engine.channelpeers import Beside

    remote = RemoteEngine(Beside(tmp_path, "0" * 64))
    jobs = [remote.submit(ListTensors()) for _ in range(2000)]
    assert not any(job.future.done() for job in jobs)
    remote.close()
    assert {job.answer(0).code for job in jobs} == {"closed"}


def test_the_parent_side_imports_no_torch() -> None:
    import subprocess

    code = "import sys, nnscope.engine.spawn, nnscope.engine.server; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
