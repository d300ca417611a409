"""A client asks and waits: failures become exceptions again, and nothing stays open when something goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import Cancelled, Failure, FileError, NnscopeError
from nnscope.core.request import GetStats
from nnscope.core.tensor import Listing, TensorInfo
from nnscope.engine.protocol import Job
from nnscope.headless.client import EngineClient, SourceClient, UnknownTensorError, error_of
from nnscope.headless.names import COMPARED, near_names

if TYPE_CHECKING:
    from collections.abc import Callable

LISTING = Listing("x", "fake", (TensorInfo("conv.weight", (2,), "float32", aliases=("tied[0]",)),))


class InterruptedJob(Job):
    """Someone presses Ctrl+C while it is waited for."""

    def answer(self, timeout: float | None = None) -> Any:
        raise KeyboardInterrupt


class FakeEngine:
    """Answers with what it was given, and is interrupted where that is a `KeyboardInterrupt`."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.jobs: list[Job] = []
        self.closed = False

    def submit(self, request: Any, on_progress: Callable | None = None) -> Job:
        answer = self.answers.pop(0)
        job = InterruptedJob(request) if answer is KeyboardInterrupt else Job(request)
        self.jobs.append(job)
        job.future.set_result(answer)
        return job

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NnscopeError("what", "where", "do"), NnscopeError),
        (FileError("truncated", "what", "where", "do"), FileError),
        (FileError("truncated", "what", "where", "do", offset=0), FileError),
        (Cancelled(), Cancelled),
        (RuntimeError("boom"), NnscopeError),
    ],
    ids=["stated", "file", "file-offset", "cancelled", "unexpected"],
)
def test_a_failure_is_the_exception_it_tells_of(error: Exception, kind: type[Exception]) -> None:
    again = error_of(Failure.of(error, "Traceback …"))
    assert type(again) is kind
    if isinstance(error, NnscopeError):
        assert str(again) == str(error)
        assert not hasattr(again, "__notes__")
    else:
        assert again.__notes__ == ["Traceback …"]


@pytest.mark.parametrize("code", ["died", "user-code", "memory", "too-large"])
def test_only_files_give_file_errors(code: str) -> None:
    assert type(error_of(Failure("what", code=code))) is NnscopeError


def test_an_engine_that_lists_nothing_is_closed() -> None:
    engine = FakeEngine(Failure("It died.", code="died"))
    with pytest.raises(NnscopeError, match="It died"):
        EngineClient(engine)
    assert engine.closed


def test_a_source_that_lists_nothing_is_closed() -> None:
    class Broken:
        closed = False

        def listing(self) -> Listing:
            raise FileError("cut", "It is cut.")

        def close(self) -> None:
            self.closed = True

    source = Broken()
    with pytest.raises(FileError):
        SourceClient(source)  # type: ignore[arg-type]
    assert source.closed


def test_an_interruption_stops_the_job() -> None:
    engine = FakeEngine(LISTING, KeyboardInterrupt)
    client = EngineClient(engine)
    with pytest.raises(KeyboardInterrupt):
        client.ask(GetStats("conv.weight"))
    assert engine.jobs[-1].cancelled.is_set()


def test_names_and_aliases() -> None:
    client = EngineClient(FakeEngine(LISTING))
    assert client.find("tied[0]")[0].address == "conv.weight"  # an alias as it stands, not an index
    assert client.find("conv.weight[1]")[1].index == (1,)
    with pytest.raises(UnknownTensorError, match=r"Did you mean conv\.weight\?"):
        client.find("conv.wight")
    assert client.holds("conv.weight[7]")
    assert not client.holds("conv")


@given(names=st.lists(st.text(min_size=1), max_size=30), wanted=st.text())
def test_near_names_are_names(names: list[str], wanted: str) -> None:
    near = near_names(wanted, names)
    assert set(near) <= set(names)
    assert len(near) == len(set(near)) <= 3


def test_near_names_of_very_many_are_found_without_comparing_all() -> None:
    names = [f"layers.{i}.weight" for i in range(50 * COMPARED)]
    assert near_names("S.99999.WEIGHT", names) == ["layers.99999.weight"]
    assert near_names("layers.7.wieght", names)[0].startswith("layers.7")
    assert near_names("x" * 10_000, [*names, "x" * 9_999]) == []
