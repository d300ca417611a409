"""The formats of animations, each a way from pictures to a file: MP4 (H.264), GIF, APNG; all by PyAV.

``convert`` and ``write`` run in threads of their own, one picture at a time each, in order; ``write`` and ``finish`` in
the same. H.264 keeps colour at half the resolution and is the only one that changes pixels beyond the choice of
colours; its matrix is BT.709, and the file says so. A GIF has one palette for all its pictures: they wait in a
temporary file, compressed, until all colours are known. An APNG keeps every pixel.
"""

from __future__ import annotations

import tempfile
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter

from nnscope.export.palette import ColourCount, Palette, cells_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from nnscope.export.clip import Clip

# Constant quality, visually without loss for flat pictures and text. The pattern of B-frames is fixed: choosing it, and
# looking for cuts, took a fifth of the encoder's time and made films of trainings no smaller.
H264 = {"preset": "superfast", "crf": "16", "b_strategy": "0", "sc_threshold": "0"}
BT709 = 1  # in H.273: primaries, transfer and matrix alike
SPOOL = 8 << 20  # bytes of waiting pictures that stay in memory


class _Straight:
    """A format whose pictures can be written as they come."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._film: _Film

    def write(self, converted: av.VideoFrame) -> None:
        """Encode it."""
        self._film.add(converted)

    def finish(self, check: Callable[[], None]) -> None:
        """Encode what the encoder holds back, and the end of the file."""
        self._film.end()

    def close(self) -> None:
        """Let go of the file, whole or not."""
        self._film.close()


class Mp4(_Straight):
    """H.264 in MP4."""

    def __init__(self, clip: Clip) -> None:
        super().__init__(clip)
        self._reformatter = VideoReformatter()  # kept: setting it up takes a quarter of a picture's time

    def begin(self, path: Path) -> None:
        """Open the file."""
        self._film = _Film(path, self._clip, "mp4", {"movflags": "+faststart"})
        context = self._film.add_stream("libx264", "yuv420p", H264)
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = ColorRange.MPEG

    def convert(self, rgba: np.ndarray) -> av.VideoFrame:
        """Luma and half-resolution chroma."""
        frame = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(rgba), "rgba")
        return self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )


class Apng(_Straight):
    """Animated PNG: lossless."""

    def begin(self, path: Path) -> None:
        """Open the file."""
        self._film = _Film(path, self._clip, "apng", {"plays": "0"})
        self._film.add_stream("apng", "rgb24", {"pred": "up", "compression_level": "4"})

    def convert(self, rgba: np.ndarray) -> av.VideoFrame:
        """Without the opacity, which is 1 everywhere."""
        return av.VideoFrame.from_ndarray(np.ascontiguousarray(rgba[..., :3]), "rgb24")


class Gif:
    """GIF with one global palette."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._colours = ColourCount()
        self._sizes: list[int] = []
        self._film: _Film | None = None

    def begin(self, path: Path) -> None:
        """The file is written last: pictures wait beside it, where there is room for it."""
        self._path = path
        self._waiting = tempfile.SpooledTemporaryFile(SPOOL, dir=str(path.parent))  # noqa: SIM115 - see `close`

    def convert(self, rgba: np.ndarray) -> bytes:
        """Count its colours, and compress it."""
        rgb = rgba[..., :3]
        self._colours.add(rgb)
        return zlib.compress(cells_of(rgb).data, 1)

    def write(self, converted: bytes) -> None:
        """Keep it."""
        self._waiting.write(converted)
        self._sizes.append(len(converted))

    def finish(self, check: Callable[[], None]) -> None:
        """Encode everything with the palette; ``check`` raises when it is not wanted any more."""
        palette = self._colours.palette()
        self._film = _Film(self._path, self._clip, "gif", {"loop": "0"})
        self._film.add_stream("gif", "pal8", {})
        argb = np.concatenate([np.full((256, 1), 255, np.uint8), palette.colours], axis=1)
        for indices in self._indexed(palette):
            check()
            self._film.add(av.VideoFrame.from_ndarray((indices, argb), "pal8"))  # type: ignore[arg-type]
        self._film.end()

    def close(self) -> None:
        """Let go of the files, whole or not."""
        self._waiting.close()
        if self._film is not None:
            self._film.close()

    def _indexed(self, palette: Palette) -> Iterator[np.ndarray]:
        width, height = self._clip.size
        self._waiting.seek(0)
        for size in self._sizes:
            cells = np.frombuffer(zlib.decompress(self._waiting.read(size)), np.int32)
            yield palette.nearest[cells].reshape(height, width)


class _Film:
    """A file with one stream of pictures, each shown for 1/fps seconds."""

    def __init__(self, path: Path, clip: Clip, format: str, options: dict[str, str]) -> None:
        self._clip = clip
        self._rate = Fraction(clip.fps).limit_denominator(1001)
        self._count = 0
        self._file = av.open(str(path), "w", format=format, options=options)
        self._file.metadata.update(clip.metadata)

    def add_stream(self, codec: str, pixels: str, options: dict[str, str]) -> av.VideoCodecContext:
        """The codec's settings."""
        stream = self._file.add_stream(codec, rate=self._rate, options=options)
        assert isinstance(stream, av.VideoStream)
        self._stream = stream
        self._stream.width, self._stream.height = self._clip.size
        self._stream.pix_fmt = pixels
        return self._stream.codec_context

    def add(self, frame: av.VideoFrame) -> None:
        """The next picture."""
        frame.pts = self._count
        frame.time_base = 1 / self._rate
        self._count += 1
        self._file.mux(self._stream.encode(frame))

    def end(self) -> None:
        """All pictures are there: write what is left, and the file's end."""
        self._file.mux(self._stream.encode())
        self._file.close()

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        self._file.close()
