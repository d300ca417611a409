"""Attaching to a run that is being recorded: real processes, hostile clients, and either side killed."""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from nnscope.core.answer import Died, Grown, Series
from nnscope.core.attaching import address_of, parse_address, without_token
from nnscope.core.errors import Failure, NnscopeError
from nnscope.core.request import BuildPicture, GetSeries, GetStats, ListTensors
from nnscope.core.tensor import Listing
from nnscope.engine import serving
from nnscope.engine.attach import attach
from nnscope.engine.serving import RunServer
from tests.engine.channelpeers import runs, wait_for
from tests.engine.forwarding import Forwarding
from tests.store.runs.made import record, write_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nnscope.engine.remote import RemoteEngine
    from nnscope.store.runs.writer import RunWriter

TOKEN = "0123456789abcdef" * 4
PATIENCE = 20.0  # seconds that a process may take to start on a busy machine


class Training:
    """What a training has of a run: its writer, and the server beside it."""

    def __init__(self, folder: Path) -> None:
        self.writer: RunWriter = write_run(folder, range(3), close=False)
        self.server = RunServer(folder)

    @property
    def pid(self) -> int:
        process = self.server._process
        assert process is not None
        return process.pid

    def go_on(self, step: int) -> None:
        self.writer.append(record(step))
        self.writer.flush()


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Training]:
    monkeypatch.setattr(serving, "PAUSE", 0.05)
    made = Training(tmp_path / "run")
    yield made
    made.server.close("The training has ended.")


@contextmanager
def attached(address: str) -> Iterator[tuple[RemoteEngine, list[Any]]]:
    """An engine that is attached, and what it was told."""
    engine = attach(address)
    told: list[Any] = []
    engine.notices.connect(told.append)
    try:
        yield engine, told
    finally:
        engine.close()


def listing(engine: RemoteEngine) -> Listing:
    answer = engine.submit(ListTensors()).answer(PATIENCE)
    assert isinstance(answer, Listing), answer
    return answer


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ("nnscope://127.0.0.1:4000", "no address"),
        (f"nnscope://127.0.0.1:4000/?token={TOKEN[:-1]}", "no address"),
        (f"nnscope://127.0.0.1:4000/?token={TOKEN}&x=1", "no address"),
        (f"http://127.0.0.1:4000/?token={TOKEN}", "no address"),
        (f"nnscope://gpu7:4000/?token={TOKEN}", r"own machine only.*ssh -L 4000:127\.0\.0\.1:4000 gpu7"),
        (f"nnscope://127.0.0.1:70000/?token={TOKEN}", "no such port"),
        (f"nnscope://127.0.0.1:٤٠٠٠/?token={TOKEN}", "no address"),
    ],
    ids=["no token", "short token", "more", "scheme", "host", "port", "digits"],
)
def test_what_is_no_address(address: str, wrong: str) -> None:
    with pytest.raises(NnscopeError, match=wrong) as raised:
        parse_address(address)
    assert TOKEN[:-1] not in str(raised.value)


def test_an_address_and_how_it_is_shown() -> None:
    address = address_of(4000, TOKEN)
    assert parse_address(f" {address}\n") == (4000, TOKEN)
    assert without_token(address) == "nnscope://127.0.0.1:4000"


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = address_of(free.getsockname()[1], TOKEN)
    with pytest.raises(NnscopeError, match=r"No training listens there.*port is not forwarded") as raised:
        attach(address)
    assert TOKEN not in str(raised.value)


def test_a_port_that_is_taken(tmp_path: Path, training: Training) -> None:
    port, _ = parse_address(training.server.address)
    with pytest.raises(NnscopeError, match=f"127.0.0.1:{port}: Nobody can attach.*Choose another port"):
        RunServer(tmp_path, port)


def test_a_run_grows_before_the_eyes_of_who_is_attached(training: Training) -> None:
    assert training.server._process is None  # nothing runs as long as nobody is there
    with attached(training.server.address) as (engine, told):
        assert [info.version for info in listing(engine).tensors] == [3, 3]
        assert listing(engine).live["training"] is True
        first = engine.submit(GetSeries("", "loss")).answer(PATIENCE)
        assert isinstance(first, Series)
        assert first.steps.tolist() == [0, 1, 2]
        training.server.tell({"slowdown": 0.01})
        training.go_on(3)
        assert wait_for(lambda: any(isinstance(notice, Grown) and notice.kept for notice in told), PATIENCE)
        grown = next(notice for notice in told if isinstance(notice, Grown) and notice.kept)
        assert (grown.step, grown.tensors, dict(grown.kept)) == (3, 2, {"stem.weight": 4, "stem:output": 4})
        assert grown.reshaped == ()
        assert wait_for(lambda: any(dict(notice.status).get("slowdown") == 0.01 for notice in told), PATIENCE)
        rest = engine.submit(GetSeries("", "loss", 3)).answer(PATIENCE)
        assert isinstance(rest, Series)
        assert rest.steps.tolist() == [3]
        pooled = engine.submit(GetStats("stem.weight", all_steps=True)).answer(PATIENCE)
        assert pooled.count == 4 * 12
        training.server.close("The training has ended.")
        assert wait_for(lambda: dict(told[-1].status).get("ended") == "The training has ended.", PATIENCE)
        assert listing(engine).live["training"] is False  # what was recorded stays with who is attached
        pid = serving._staying[-1].pid
    assert wait_for(lambda: not runs(pid), PATIENCE)


def test_either_side_is_killed_and_the_other_goes_on(training: Training) -> None:
    with attached(training.server.address) as (engine, told):
        listing(engine)
        os.kill(training.pid, signal.SIGKILL)
        assert wait_for(lambda: any(isinstance(notice, Died) for notice in told), PATIENCE)
        assert "connection to the training was lost" in told[-1].reason
        failure = engine.submit(ListTensors()).answer(PATIENCE)
        assert isinstance(failure, Failure)
        assert failure.code == "died"
    training.go_on(3)
    with attached(training.server.address) as (engine, _):
        assert [info.version for info in listing(engine).tensors] == [4, 4]


def test_through_a_forwarded_port_that_is_cut_and_made_anew(training: Training) -> None:
    port, token = parse_address(training.server.address)
    for step in (3, 4):
        with closing(Forwarding(port)) as way, attached(address_of(way.port, token)) as (engine, told):
            assert way.port != port
            assert [info.version for info in listing(engine).tensors] == [step, step]
            training.go_on(step)
            assert wait_for(lambda: any(isinstance(notice, Grown) and notice.kept for notice in told), PATIENCE)
            assert engine.submit(GetStats("stem.weight", all_steps=True)).answer(PATIENCE).count == (step + 1) * 12
            way.close()
            assert wait_for(lambda: any(isinstance(notice, Died) for notice in told), PATIENCE)
            assert "connection to the training was lost" in told[-1].reason


def garbage(chance: random.Random) -> bytes:
    """What a stranger may send."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00"
    return chance.choice(
        [
            b"",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
            b"\x16\x03\x01" + chance.randbytes(200),
            chance.randbytes(chance.randrange(1, 4096)),
            greeting + b"NULL".ljust(20, b"\0") + bytes(32),
            greeting + b"PLAIN".ljust(20, b"\0") + bytes(32) + chance.randbytes(64),
            greeting + b"PLAIN".ljust(20, b"\0") + bytes(32) + b"\x06\xff\xff\xff\xff\xff\xff\xff\xff",
            greeting + b"PLAIN".ljust(20, b"\0") + bytes(32) + b"\x04\x20\x05HELLO\x09nnscope/1\x04" + b"abcd",
        ]
    )


def test_strangers_disturb_nobody(training: Training) -> None:
    """Garbage, a wrong token, frames that claim 2⁶⁴ bytes, half-open lines: who is attached sees nothing of it."""
    chance = random.Random(5)
    port, token = parse_address(training.server.address)
    with attached(training.server.address) as (engine, _):
        listing(engine)
        pid = training.pid
        lines = []
        for _ in range(60):
            line = socket.create_connection(("127.0.0.1", port), 5)
            line.sendall(garbage(chance))
            lines.append(line) if chance.random() < 0.3 else line.close()
        with attached(address_of(port, token[::-1])) as (stranger, told):
            answer = stranger.submit(ListTensors()).answer(PATIENCE)
            assert isinstance(answer, Failure)
            assert "refused the connection" in answer.what
            assert wait_for(lambda: told, PATIENCE)
        begun = time.perf_counter()
        for step in range(3, 60):
            training.server.tell({"step": step})
        assert time.perf_counter() - begun < 0.5
        assert len(listing(engine).tensors) == 2
        assert training.pid == pid
        for line in lines:
            line.close()


def test_who_is_admitted_and_talks_nonsense_gets_nowhere(training: Training) -> None:
    import zmq

    from nnscope.engine.channel import client_socket

    chance = random.Random(6)
    port, token = parse_address(training.server.address)
    context: zmq.Context[Any] = zmq.Context()
    with attached(training.server.address) as (engine, _):
        listing(engine)
        client = client_socket(context, token)
        client.connect(f"tcp://127.0.0.1:{port}")
        for _ in range(200):
            client.send(chance.randbytes(chance.randrange(1, 300)))
        assert len(listing(engine).tensors) == 2
        assert not client.poll(100)
        client.close(linger=0)
    context.term()


def test_one_who_never_reads_slows_nobody(training: Training) -> None:
    import zmq

    from nnscope.core.layout import default_layout
    from nnscope.engine.channel import client_socket
    from nnscope.engine.wire import Ask, encode

    port, token = parse_address(training.server.address)
    context: zmq.Context[Any] = zmq.Context()
    with attached(training.server.address) as (engine, told):
        info = listing(engine).tensors[1]
        client = client_socket(context, token)
        client.rcvhwm = 1
        client.connect(f"tcp://127.0.0.1:{port}")
        request = BuildPicture(info.address, default_layout(info.shape), "heatmap", (), 0, ((0, 0),))
        for number in range(300):
            client.send(encode(Ask(number, request)))
        training.go_on(3)
        assert wait_for(lambda: any(isinstance(notice, Grown) and notice.step == 3 for notice in told), PATIENCE)
        client.close(linger=0)
    context.term()


def test_the_folder_of_a_passing_run_is_removed(tmp_path: Path) -> None:
    write_run(tmp_path / "run", range(2))
    server = RunServer(tmp_path / "run", passing=True)
    with attached(server.address) as (engine, _):
        listing(engine)
        server.close("The training has ended.")
        assert len(listing(engine).tensors) == 2
    assert wait_for(lambda: not (tmp_path / "run").exists(), PATIENCE)
    write_run(tmp_path / "other", range(2))
    RunServer(tmp_path / "other", passing=True).close("The training has ended.")
    assert not (tmp_path / "other").exists()


def test_a_tensor_that_takes_another_shape_is_told(tmp_path: Path) -> None:
    from dataclasses import replace

    import numpy as np

    from nnscope.engine.growing import GrowingEngine
    from nnscope.sources.session import RunSource
    from nnscope.store.runs.record import Frame, StepRecord
    from tests.store.runs.made import OUTPUT

    writer = write_run(tmp_path / "run", range(2), close=False)
    engine = GrowingEngine(RunSource(tmp_path / "run"), dict)
    told: list[Any] = []
    engine.notices.connect(told.append)
    smaller = replace(OUTPUT, shape=(3, 2), nbytes=24, axes=())
    frame = Frame("raw", {"values": np.ones((3, 2), np.float32)})
    writer.append(StepRecord(2, 1.0, {}, {}, {smaller: frame}))
    writer.flush()
    engine.look()
    engine.look()
    (grown,) = told
    assert dict(grown.kept) == {"stem:output": 3}
    assert [info.shape for info in grown.reshaped] == [(3, 2)]
    engine.close()
