"""Row ``export``: films of a heat map at 1280×720.

The pictures are of weights that train: a walk of 96 × 60 values, 10 pixels each, with legend and axes. H.264 is timed
from ready pictures to the finished file. Overlapped is the whole of it, drawing included; the serial sum is what
drawing all pictures, converting all and encoding all take one after another, by the same code. The gate reads the film
back: every picture is there, and near the one that went in.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from nnscope.compute.colour import colour_style
from nnscope.core.frame import DARK, AxisTicks, Camera2D, Frame, PaneFrame, PlacedTile, Rect, margins
from nnscope.core.legend import Legend, Normalisation
from nnscope.core.picture import Tile
from nnscope.export.animation import AnimationWriter
from nnscope.export.clip import Clip
from nnscope.export.coders import Mp4
from tests.benchmarks.measure import REPEATS, Goal, Result, absolute, interleaved, ratio_interval

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

WIDTH, HEIGHT, ROWS, COLS = 1280, 720, 60, 96
LINEAR = Normalisation("linear", "identity", 0.0, 1.0, -1.0, 1.0)
CLIP = Clip((WIDTH, HEIGHT))
FRAMES = 75


def run(quick: bool = False) -> list[Result]:
    """Measure the row."""
    from nnscope.render.offscreen import Offscreen

    repeats, count = (2, 15) if quick else (REPEATS, FRAMES)
    frames = _frames(count)
    with Offscreen() as screen, tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.mp4"
        pictures = [screen.draw(frame) for frame in frames]
        _write(film, pictures)
        _check(film, pictures)
        rates = [count / _timed(film, pictures) for _ in range(repeats)]
        ready = absolute("export", "720p H.264 from ready frames", rates, Goal(30, at_least=True), "fps", "read back")
        return [ready, _overlapped(screen, frames, film, repeats)]


def _overlapped(screen: Offscreen, frames: list[Frame], film: Path, repeats: int) -> Result:
    def ours() -> float:
        start = time.perf_counter()
        with AnimationWriter(film, CLIP) as writer:
            for frame in frames:
                writer.add(screen.draw(frame))
        return time.perf_counter() - start

    times, serial = interleaved(ours, lambda: sum(_stages(screen, frames, film)), repeats)
    figure, low, high = ratio_interval(serial, times)
    stages = " + ".join(f"{1000 * part / len(frames):.0f}" for part in _stages(screen, frames, film))
    note = f"serial sum over overlapped; draw + convert + encode {stages} ms a picture"
    whole, sum_ = float(np.median(times)), float(np.median(serial))
    goal = Goal(1.4, at_least=True)
    return Result("export", "overlapped against its serial sum", whole, sum_, figure, low, high, goal, "s", note)


def _stages(screen: Offscreen, frames: list[Frame], film: Path) -> list[float]:
    """Seconds of drawing, converting and encoding, one after another."""
    coder = Mp4(CLIP)
    marks = [time.perf_counter()]
    pictures = [screen.draw(frame) for frame in frames]
    marks.append(time.perf_counter())
    converted = [coder.convert(rgba) for rgba in pictures]
    marks.append(time.perf_counter())
    coder.begin(film)
    for frame in converted:
        coder.write(frame)
    coder.finish(lambda: None)
    coder.close()
    marks.append(time.perf_counter())
    return np.diff(marks).tolist()


def _frames(count: int) -> list[Frame]:
    """The steps of a training."""
    rng = np.random.default_rng(0)
    values = rng.normal(scale=0.4, size=(ROWS, COLS))
    rect = Rect(0, 0, WIDTH, HEIGHT)
    left, top, right, bottom = margins(rect)
    picture = Rect(left, top, WIDTH - left - right, HEIGHT - top - bottom)
    states, camera = np.zeros((ROWS, COLS), np.uint8), Camera2D(COLS / 2, ROWS / 2, 10.0)
    ticks = tuple((at + 0.5, str(at)) for at in range(0, ROWS, 5))
    made = []
    for step in range(count):
        values = values + rng.normal(scale=0.03, size=values.shape)
        tile = PlacedTile(("step", step), 0, Tile(0, 0, values.astype(np.float32), states))
        legend = Legend("weights", LINEAR, scientific=True, notes=(f"step {step}",))
        pane = PaneFrame(
            rect, picture, (ROWS, COLS), camera, (tile,), LINEAR, colour_style("viridis"), legend,
            AxisTicks("out", ticks), AxisTicks("in", ticks), title=f"weights@{step}",
        )  # fmt: skip
        made.append(Frame(WIDTH, HEIGHT, (pane,), DARK))
    return made


def _write(film: Path, pictures: list[np.ndarray]) -> None:
    with AnimationWriter(film, CLIP) as writer:
        for rgba in pictures:
            writer.add(rgba)


def _timed(film: Path, pictures: list[np.ndarray]) -> float:
    start = time.perf_counter()
    _write(film, pictures)
    return time.perf_counter() - start


def _check(film: Path, pictures: list[np.ndarray]) -> None:
    with av.open(str(film)) as opened:
        found = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert len(found) == len(pictures)
    errors = [np.abs(a.astype(int) - b[..., :3]).mean() for a, b in zip(found, pictures, strict=True)]
    assert max(errors) < 4, f"pictures differ by {max(errors):.1f} levels"
