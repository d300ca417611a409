"""The local engine: answers, failures as data, cancel, close, and threads that are gone afterwards."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest

from nnscope.compute.statistics.summary import stats_of_array
from nnscope.core.answer import ProbeAnswer, Progress, Values
from nnscope.core.errors import Failure
from nnscope.core.layout import default_layout
from nnscope.core.picture import TilePicture
from nnscope.core.request import BuildPicture, Control, GetStats, ListTensors, Probe, ReadRegion
from nnscope.core.statistics import TensorStats
from nnscope.core.tensor import Listing
from nnscope.engine.local import LocalEngine
from nnscope.engine.passes import pack_stats, unpack_stats
from tests.scene.sources import ArraySource

WAIT = 20.0


@pytest.fixture
def source() -> ArraySource:
    rng = np.random.default_rng(0)
    return ArraySource({"w": rng.normal(size=(300, 500)).astype(np.float32), "v": np.arange(6, dtype=np.int64)})


@pytest.fixture
def engine(source: ArraySource):
    engine = LocalEngine(source)
    yield engine
    engine.close()


def test_answers_each_request(engine: LocalEngine, source: ArraySource) -> None:
    w = source.arrays["w"]
    assert isinstance(engine.submit(ListTensors()).answer(WAIT), Listing)
    stats = engine.submit(GetStats("w")).answer(WAIT)
    assert isinstance(stats, TensorStats)
    assert stats.mean == pytest.approx(w.mean(dtype=np.float64), abs=1e-7)
    values = engine.submit(ReadRegion("w", ((1, 9, 2), (0, 500, 100)))).answer(WAIT)
    assert isinstance(values, Values)
    np.testing.assert_array_equal(values.values, w[1:9:2, ::100])
    picture = engine.submit(BuildPicture("w", default_layout(w.shape), tiles=((0, 1), (1, 0)))).answer(WAIT)
    assert isinstance(picture, TilePicture)
    np.testing.assert_array_equal(picture.tiles[0].values, w[:256, 256:])
    np.testing.assert_array_equal(picture.tiles[1].values, w[256:, :256])
    probe = engine.submit(Probe("w", default_layout(w.shape), 7, 8)).answer(WAIT)
    assert isinstance(probe, ProbeAnswer)
    assert probe.value == w[7, 8]
    assert probe.zscore == pytest.approx((w[7, 8] - w.mean()) / w.std(), rel=1e-4)


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (GetStats("nothing"), "no tensor of this name"),
        (ReadRegion("w", ((0, 1, 1),)), "one range per axis"),
        (BuildPicture("w", default_layout((3, 3))), "another shape"),
        (BuildPicture("w", default_layout((300, 500)), view="kaleidoscope"), "no view"),
        (BuildPicture("w", default_layout((300, 500)), settings=(("reduction", "median"),), level=1), "no reduction"),
        (Control("train"), "nothing in it runs"),
    ],
    ids=["unknown", "region", "shape", "view", "reduction", "control"],
)
def test_what_can_t_be_answered_is_a_failure(engine: LocalEngine, request_, sentence: str) -> None:
    failure = engine.submit(request_).answer(WAIT)
    assert isinstance(failure, Failure)
    assert sentence in failure.what


def test_an_unexpected_error_is_a_failure_with_details(engine: LocalEngine, source: ArraySource) -> None:
    source.reader = lambda address: 1 / 0  # type: ignore[method-assign,assignment]
    failure = engine.submit(ReadRegion("w", ())).answer(WAIT)
    assert isinstance(failure, Failure)
    assert failure.code == "unexpected"
    assert "ZeroDivisionError" in failure.details


def test_a_cancelled_pass_stops_between_blocks() -> None:
    entered, go = threading.Event(), threading.Event()

    class Slow(ArraySource):
        def reader(self, address):
            reader = super().reader(address)
            read = reader.read

            def slow(region):
                entered.set()
                go.wait(WAIT)
                return read(region)

            reader.read = slow  # type: ignore[method-assign]
            return reader

    source = Slow({"big": np.zeros((3000, 3000), np.float32)})
    engine = LocalEngine(source)
    job = engine.submit(GetStats("big"))
    assert entered.wait(WAIT)
    job.cancel()
    go.set()
    answer = job.answer(WAIT)
    assert isinstance(answer, Failure)
    assert answer.code == "cancelled"
    engine.close()


def test_progress_is_told(source: ArraySource) -> None:
    heard: list[Progress] = []
    engine = LocalEngine(ArraySource({"big": np.zeros((4000, 1000), np.float32)}))
    engine.submit(GetStats("big"), heard.append).answer(WAIT)
    engine.close()
    assert heard
    assert heard[-1].done == heard[-1].total


def test_close_ends_threads_and_the_source(source: ArraySource) -> None:
    before = set(threading.enumerate())
    engine = LocalEngine(source)
    for _ in range(10):
        engine.submit(GetStats("w"))
    engine.close()
    engine.close()
    assert source.closed
    assert set(threading.enumerate()) == before
    answer = engine.submit(ListTensors()).answer(WAIT)
    assert isinstance(answer, Failure)
    assert answer.code == "closed"


def test_a_result_is_computed_once_per_version(engine: LocalEngine, source: ArraySource) -> None:
    engine.submit(GetStats("w")).answer(WAIT)
    reads = source.reads
    engine.submit(GetStats("w")).answer(WAIT)
    assert source.reads == reads
    source.touch("w", np.ones((300, 500), np.float32))
    assert engine.submit(GetStats("w")).answer(WAIT).mean == 1.0


def test_statistics_survive_the_disk() -> None:
    x = np.random.default_rng(0).normal(size=10_000)
    x[:3] = np.nan, np.inf, -np.inf
    stats = stats_of_array(x)
    again = unpack_stats(pack_stats(stats))
    np.testing.assert_array_equal(again.histogram, stats.histogram)
    for field in dataclasses.fields(stats):
        if field.name != "histogram":
            assert getattr(again, field.name) == getattr(stats, field.name)
            assert type(getattr(again, field.name)) is type(getattr(stats, field.name))
