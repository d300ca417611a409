"""``nnscope animate``: the steps of a run as a film, whose pictures are those of ``nnscope render``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from tests.store.runs.made import write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.gl

SIZE = "320x240"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    write_run(folder, range(6), every=3)
    return folder


def picture(path: Path, at: int = 0) -> np.ndarray:
    with Image.open(path) as image:
        image.seek(at)
        return np.asarray(image.convert("RGB"))


def test_pictures_are_those_of_render(nnscope: Callable, run: Path, tmp_path: Path) -> None:
    film, still = tmp_path / "film.png", tmp_path / "still.png"
    told = nnscope("animate", run, "stem.weight", "-o", film, "--size", SIZE, "--steps", "1:4", "--fps", "10", "--json")
    assert (told.code, told.err) == (0, "")
    assert told.document == {
        "out": str(film),
        "size": [320, 240],
        "frames": 4,
        "fps": 10.0,
        "seconds": 0.4,
        "view": "heatmap",
        "scientific": False,
        "steps": [1, 2, 3, 4],
    }
    with Image.open(film) as image:
        assert (image.n_frames, image.info["duration"]) == (4, 100.0)
    for at, step in ((0, 1), (3, 4)):
        nnscope("render", run, f"stem.weight@{step}", "-o", still, "--size", SIZE)
        assert np.array_equal(picture(film, at), picture(still))


def test_a_film_has_as_many_pictures_as_asked_for(nnscope: Callable, run: Path, tmp_path: Path) -> None:
    film, still = tmp_path / "film.mp4", tmp_path / "still.png"
    arguments = ("stem.weight", "--size", SIZE, "--scientific")
    document = nnscope("animate", run, *arguments, "-o", film, "--frames", "9", "--json").document
    assert document["steps"] == [0, 0, 1, 2, 2, 3, 4, 4, 5]
    nnscope("render", run, "stem.weight@0", *arguments[1:], "-o", still)
    with av.open(str(film)) as opened:
        stream = opened.streams.video[0]
        assert (stream.frames, stream.average_rate, stream.width, stream.height) == (9, 25, 320, 240)
        assert "linear" in opened.metadata["comment"]
        frames = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    assert np.abs(frames[0].astype(int) - picture(still)).mean() < 2
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 1


def test_a_camera_goes_around(nnscope: Callable, npz: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.gif"
    arguments = ("--view", "landscape", "--orbit", "--frames", "4", "--size", SIZE, "--json")
    document = nnscope("animate", npz, "conv1.weight", "-o", film, *arguments).document
    assert (document["frames"], document["steps"]) == (4, [])
    seen = [picture(film, at) for at in range(4)]
    assert all(not np.array_equal(seen[0], other) for other in seen[1:])


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["stem.weight", "-o", "film.avi"], 2, "written as MP4, GIF or APNG"),
        (["stem.weight", "-o", "film.mp4", "--size", "321x240"], 2, "Choose 322x240"),
        (["stem.weight", "-o", "film.mp4", "--steps", "3"], 2, "'3' is no range of steps"),
        (["stem.weight", "-o", "film.mp4", "--steps", "0:5:0"], 2, "Count from 1"),
        (["stem.weight", "-o", "film.mp4", "--orbit"], 2, "heatmap has no camera"),
        (["stem.weight", "-o", "film.mp4", "--frames", "0"], 2, "0 pictures can't be"),
        (["stem.weight", "-o", "film.mp4", "--steps", "50:"], 1, "from step 0 to 5"),
        (["stem.weight@3", "-o", "film.mp4"], 1, "Nothing moves"),
        (["nothing", "-o", "film.mp4"], 1, "no tensor of this name"),
        (["stem.weight", "-o", "none/film.mp4"], 1, "No such file or directory"),
    ],
    ids=["format", "odd", "steps", "stride", "orbit", "frames", "range", "one-step", "name", "folder"],
)
def test_what_can_not_be_is_one_sentence(
    nnscope: Callable, run: Path, tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    at = arguments.index("-o") + 1
    arguments = [*arguments[:at], str(tmp_path / arguments[at]), *arguments[at + 1 :]]
    told = nnscope("animate", run, *arguments)
    assert told.code == code
    assert sentence in told.err
    assert told.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
