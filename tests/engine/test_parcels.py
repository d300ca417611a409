"""Answers that are too long for one message come in parts, byte for byte; what is dropped in between leaves nothing."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnscope.core.answer import ControlAnswer, Progress, Values
from nnscope.core.errors import Failure
from nnscope.core.request import ListTensors
from nnscope.engine import parcels, server, wire
from nnscope.engine.parcels import Arriving, Sending, packed
from nnscope.engine.wire import Begin, Part, Reply, WireError, decode, encode, encode_apart
from tests.engine.channelpeers import Beside, ScriptedEngine, connected, server_in, wait_for
from tests.render import cubes, volumes

if TYPE_CHECKING:
    from nnscope.core.request import Request
    from nnscope.engine.protocol import Job

X = np.random.default_rng(0).normal(size=(15, 14, 19)).astype(np.float32)
X[3, 4, 5] = np.nan


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Caps at which the pictures of these tests need many parts."""
    monkeypatch.setattr(parcels, "WHOLE", 2000)
    monkeypatch.setattr(parcels, "PART", 700)
    monkeypatch.setattr(wire, "LARGE", 512)
    monkeypatch.setattr(server, "LOOKING", 50)


def _answers(answer: object) -> ScriptedEngine:
    """An engine that answers with ``answer`` but for `ListTensors`."""
    return ScriptedEngine(lambda job, _: ControlAnswer("short") if isinstance(job.request, ListTensors) else answer)


def _request() -> Request:
    from nnscope.core.request import ReadRegion

    return ReadRegion("x", ((0, 9, 1),))


@pytest.mark.parametrize(
    "answer", [volumes.picture(X), cubes.on_grid(X), Values("x", X.astype(np.float16))], ids=lambda a: type(a).__name__
)
def test_parts_come_to_the_very_same_answer(answer: Any) -> None:
    told: list[Progress] = []
    with connected(_answers(answer)) as (remote, serving, _):
        found = remote.submit(_request(), told.append).answer(5)
        assert remote.submit(ListTensors()).answer(5) == ControlAnswer("short")
        assert not serving._parcels
        assert not remote._arriving
    assert type(found) is type(answer)
    for field in dataclasses.fields(answer):
        was, now = getattr(answer, field.name), getattr(found, field.name)
        if isinstance(was, np.ndarray):
            assert (was.dtype, was.shape, was.tobytes()) == (now.dtype, now.shape, now.tobytes())
        else:
            assert was == now
    assert len(told) > 5
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert told[-1].done < told[-1].total


def test_others_are_answered_between_the_parts() -> None:
    order: list[str] = []
    with connected(_answers(Values("x", X))) as (remote, _, _):
        other: list[Job] = []

        def told(progress: Progress) -> None:
            if not other:
                other.append(remote.submit(ListTensors()))
                other[0].future.add_done_callback(lambda _: order.append("short"))

        long = remote.submit(_request(), told)
        long.future.add_done_callback(lambda _: order.append("long"))
        assert isinstance(long.answer(5), Values)
        assert wait_for(lambda: order == ["short", "long"])


def test_an_answer_that_is_dropped_in_between_leaves_nothing() -> None:
    answer: Values | None = Values("x", X.copy())
    gone = weakref.ref(answer.values)
    engine = _answers(answer)
    with connected(engine) as (remote, serving, _):
        jobs: list[Job] = []
        told: list[Progress] = []

        def cancels(progress: Progress) -> None:
            told.append(progress)
            if len(told) == 3:
                jobs[0].cancel()

        jobs.append(remote.submit(_request(), cancels))
        assert wait_for(lambda: jobs[0].future.cancelled() and not serving._parcels and not remote._arriving)
        assert remote.submit(ListTensors()).answer(5) == ControlAnswer("short")
        assert len(told) == 3
        assert not serving._jobs
        assert not remote._pending
        jobs.clear()
        engine.jobs.clear()
        engine._script = lambda job, _: None
        answer = None
        assert wait_for(lambda: gc.collect() >= 0 and gone() is None)


def test_a_client_that_ends_in_between_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.engine.remote import RemoteEngine

    with server_in(_answers(Values("x", X))) as (serving, folder, token):
        remote = RemoteEngine(Beside(folder, token))
        monkeypatch.setattr(remote, "_take_part", lambda message: None)  # never asks for more
        remote.submit(_request())
        assert wait_for(lambda: serving._parcels)
        assert not wait_for(lambda: not serving._parcels, 0.2)  # it may still ask
        remote.close()
        assert wait_for(lambda: not serving._parcels)


def test_what_is_more_than_the_limit_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LIMIT", X.nbytes - 1)
    with connected(_answers(Values("x", X))) as (remote, _, _):
        found = remote.submit(_request()).answer(5)
    assert isinstance(found, Failure)
    assert found.code == "too-large"


@pytest.mark.parametrize("sizes", [(0,), (-5,), (parcels.LIMIT, 1)], ids=str)
def test_sizes_that_cannot_be_are_not_believed(sizes: tuple[int, ...]) -> None:
    with pytest.raises(WireError):
        Arriving(Begin(1, b"", sizes))


@pytest.mark.parametrize(
    "part",
    [Part(1, 1, 0, b"abc"), Part(1, 0, 1, b"abc"), Part(1, 0, 0, b""), Part(1, 0, 0, bytes(11)), Part(1, -1, 0, b"a")],
    ids=["later array", "gap", "empty", "too long", "no array"],
)
def test_parts_out_of_order_or_of_a_wrong_size_are_refused(part: Part) -> None:
    with pytest.raises(WireError):
        Arriving(Begin(1, b"", (10, 10))).take(part)


def test_an_answer_whose_arrays_do_not_fit_is_refused() -> None:
    head, arrays = encode_apart(Reply(1, Values("x", X)))
    for sent in ((), (arrays[0][:-4],)):
        with pytest.raises(WireError):
            decode(head, sent)
    with pytest.raises(WireError, match="did not come"):
        decode(head)
    arriving = Arriving(Begin(2, head, (arrays[0].size,)))
    assert arriving.take(Part(2, 0, 0, arrays[0].tobytes()))
    with pytest.raises(WireError, match="not the answer"):
        arriving.reply()


def test_an_answer_without_large_arrays_is_one_message() -> None:
    short = Reply(1, Values("x", X[:2, :3, :4].copy()))
    assert packed(short) == encode(short)
    assert isinstance(packed(Reply(1, Values("x", X))), Sending)
