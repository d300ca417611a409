"""Animations come back as they went in, and one that does not come about leaves nothing."""

from __future__ import annotations

import itertools
import os
import resource
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from nnscope.core.errors import NnscopeError
from nnscope.export.animation import WAITING, AnimationWriter
from nnscope.export.clip import Clip
from nnscope.export.palette import ColourCount, cells_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH, HEIGHT, COUNT = 96, 64, 12
CLIP = Clip((WIDTH, HEIGHT), 25.0, {"title": "stem.weight", "comment": "tanh"})
ENDINGS = ("mp4", "gif", "png")


def pictures(count: int = COUNT, side: int = 8) -> list[np.ndarray]:
    """Cells of random colours, another each time, on a ground."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        rgba = np.full((HEIGHT, WIDTH, 4), 255, np.uint8)
        cells = rng.integers(0, 256, (HEIGHT // side, WIDTH // side, 3), dtype=np.uint8)
        rgba[..., :3] = cells.repeat(side, 0).repeat(side, 1)
        rgba[:4, :, :3] = 21, 23, 28
        made.append(rgba)
    return made


def write(path: Path, shown: list[np.ndarray], clip: Clip = CLIP) -> Path:
    with AnimationWriter(path, clip) as writer:
        for rgba in shown:
            writer.add(rgba)
    return path


def read(path: Path) -> list[np.ndarray]:
    """The pictures of a file as another program shows them."""
    if path.suffix == ".mp4":
        with av.open(str(path)) as film:
            return [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with Image.open(path) as image:
        found = []
        for at in range(image.n_frames):
            image.seek(at)
            found.append(np.asarray(image.convert("RGB")))
        return found


def quiet() -> bool:
    return not any(thread.name == "animation" for thread in threading.enumerate())


@pytest.mark.parametrize(("ending", "error"), [("mp4", 12.0), ("gif", 12.0), ("png", 0.0)])
def test_every_picture_comes_back(tmp_path: Path, ending: str, error: float) -> None:
    shown = pictures()
    found = read(write(tmp_path / f"film.{ending}", shown))
    assert len(found) == COUNT
    for rgba, rgb in zip(shown, found, strict=True):
        assert rgb.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(rgb.astype(int) - rgba[..., :3]).mean() <= error
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(found))
    assert os.listdir(tmp_path) == [f"film.{ending}"]
    assert quiet()


def test_a_film_says_its_rate_and_colours(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "film.mp4", pictures()))) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.frames, stream.average_rate) == ("h264", COUNT, 25)
        assert (stream.codec_context.pix_fmt, stream.codec_context.colorspace) == ("yuv420p", 1)  # BT.709
        assert film.metadata["title"] == "stem.weight"


@pytest.mark.parametrize("fps", [10.0, 30.0, 50.0])
def test_a_gif_keeps_its_rate_in_hundredths(tmp_path: Path, fps: float) -> None:
    with Image.open(write(tmp_path / "film.gif", pictures(), Clip((WIDTH, HEIGHT), fps))) as image:
        delays = []
        for at in range(image.n_frames):
            image.seek(at)
            delays.append(image.info["duration"])
        assert image.info["loop"] == 0
    assert abs(sum(delays) / len(delays) - 1000 / fps) < 1


def test_a_gif_has_one_palette(tmp_path: Path) -> None:
    data = write(tmp_path / "film.gif", pictures()).read_bytes()
    assert data[10] & 0x80  # a global one
    place, frames = 13 + 3 * 2 ** ((data[10] & 7) + 1), 0
    while data[place] != 0x3B:
        if data[place] == 0x21:
            place += 2
        else:
            assert data[place] == 0x2C
            assert not data[place + 9] & 0x80  # none of its own
            place, frames = place + 11, frames + 1
        while data[place]:
            place += data[place] + 1
        place += 1
    assert frames == COUNT


def test_few_colours_are_exact() -> None:
    count = ColourCount()
    rng = np.random.default_rng(1)
    colours = np.unique(rng.integers(0, 64, (240, 3), dtype=np.uint8), axis=0) * 4 + 1
    rgb = colours[rng.integers(0, len(colours), (40, 30))]
    count.add(rgb)
    palette = count.palette()
    assert np.array_equal(palette.colours[palette.nearest[cells_of(rgb)]], rgb)


def test_many_colours_are_as_near_as_pillows() -> None:
    rgb = np.random.default_rng(2).beta(0.6, 1.5, (96, 128, 3))
    rgb = (255 * rgb).astype(np.uint8)
    count = ColourCount()
    count.add(rgb)
    palette = count.palette()
    ours = np.square(palette.colours[palette.nearest[cells_of(rgb)]].astype(float) - rgb).mean()
    theirs = np.asarray(Image.fromarray(rgb).quantize(256, Image.Quantize.MEDIANCUT, dither=0).convert("RGB"))
    assert ours <= np.square(theirs.astype(float) - rgb).mean()


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_cancelled_film_leaves_nothing(tmp_path: Path, ending: str) -> None:
    old = tmp_path / f"film.{ending}"
    old.write_bytes(b"old")
    writer = AnimationWriter(old, CLIP)
    for rgba in pictures(3):
        writer.add(rgba)
    writer.cancel()
    writer.wait()
    assert writer.over
    assert (os.listdir(tmp_path), old.read_bytes()) == ([old.name], b"old")
    with suppress(KeyboardInterrupt), AnimationWriter(tmp_path / f"new.{ending}", CLIP) as writer:
        writer.add(pictures(1)[0])
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == [old.name]
    assert quiet()


@contextmanager
def room_for(nbytes: int) -> Iterator[None]:
    """No file can grow beyond."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, ending: str, share: float) -> None:
    shown = pictures(side=2)
    whole = write(tmp_path / f"film.{ending}", shown)
    size = whole.stat().st_size
    whole.unlink()
    with room_for(int(share * size)), pytest.raises(NnscopeError, match=r"The file could not be written: File too"):
        write(whole, shown)
    assert os.listdir(tmp_path) == []
    assert quiet()


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(NnscopeError, match="No such file or directory"):
        write(tmp_path / "none" / "film.mp4", pictures())
    assert quiet()


@pytest.mark.parametrize(
    ("name", "clip", "sentence"),
    [
        ("film.avi", CLIP, "written as MP4, GIF or APNG"),
        ("film", CLIP, "written as MP4, GIF or APNG"),
        ("film.mp4", Clip((WIDTH + 1, HEIGHT)), "even sides, so that 97x64 can't be. Choose 98x64."),
        ("film.gif", Clip((WIDTH, HEIGHT), 60.0), "GIF with 60 pictures a second can't be made. Choose 0.1 to 50."),
        ("film.png", Clip((WIDTH, HEIGHT), float("nan")), "can't be made"),
    ],
    ids=["avi", "no-ending", "odd", "fast-gif", "no-rate"],
)
def test_what_can_not_be_is_said(tmp_path: Path, name: str, clip: Clip, sentence: str) -> None:
    with pytest.raises(NnscopeError) as told:
        AnimationWriter(tmp_path / name, clip)
    assert sentence in str(told.value)
    assert quiet()


def test_pictures_wait_when_the_file_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.export import coders

    gate = threading.Event()
    monkeypatch.setattr(coders.Apng, "write", lambda self, frame: gate.wait() and self._film.add(frame))
    rgba = pictures(1)[0]
    with AnimationWriter(tmp_path / "film.png", CLIP) as writer:
        taken = 0
        for _ in range(200):
            taken += writer.offer(rgba)
            gate.wait(0.002)
        assert WAITING <= taken <= 2 * (WAITING + 1)
        gate.set()
    assert len(read(tmp_path / "film.png")) == taken


def test_a_picture_of_another_size_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(NnscopeError, match="none of an animation of 96x64"),
        AnimationWriter(tmp_path / "f.png", CLIP) as w,
    ):
        w.add(np.zeros((64, 95, 4), np.uint8))
    assert os.listdir(tmp_path) == []
