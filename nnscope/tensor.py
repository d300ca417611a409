"""One tensor of an opened source: described at once, read and computed on only when asked."""

from __future__ import annotations

import base64
import html
from dataclasses import replace
from typing import TYPE_CHECKING, Any, SupportsIndex

from nnscope.core.address import Address
from nnscope.core.errors import NnscopeError
from nnscope.core.request import Analyse, GetInfo, GetSpectrum, GetStats
from nnscope.core.text import plain
from nnscope.headless.history import history
from nnscope.headless.look import LookOptions, look
from nnscope.headless.part import IndexingError, Part, whole
from nnscope.headless.values import part_client, read_part

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from types import EllipsisType
    from typing import Unpack

    import numpy as np

    from nnscope.core.answer import Analysis, ProbeAnswer, Progress, Series, Spectrum
    from nnscope.core.statistics import TensorStats
    from nnscope.core.tensor import TensorInfo
    from nnscope.fields.compression import CompressionTable
    from nnscope.headless.client import Client
    from nnscope.headless.moving import Animation
    from nnscope.headless.picture import RenderedPicture

    Item = SupportsIndex | slice | EllipsisType
    Index = Item | tuple[Item, ...]

NOTEBOOK_SIZE = (720, 480)  # pixels of the picture that stands for a tensor in a notebook


class Tensor:
    """A tensor, or the part of one that an address with an index names. Made by `nnscope.open` and `nnscope.capture`.

    Attributes
    ----------
    address : str
        Its name in the source, with the index when it is a part.
    shape : tuple of int
    dtype : str
        Canonical name as in NumPy and ml_dtypes: ``"float32"``, ``"bfloat16"``, ``"float8_e4m3fn"`` …
    axes : tuple of str
        Names of the axes where known, else empty.
    kind : str
        ``"parameter"``, ``"buffer"``, ``"array"``, ``"input"``, ``"output"``, ``"attention"`` …
    """

    def __init__(self, client: Client, info: TensorInfo, part: Part | None = None) -> None:
        self._client = client
        self._info = info
        self._part = part if part is not None else whole(info.shape)
        self._shown: tuple[int, bytes] | None = None  # the notebook's picture and the version it shows

    @property
    def info(self) -> TensorInfo:
        """The whole tensor as its source lists it."""
        return self._info

    @property
    def address(self) -> str:
        """Its name in the source, with the index when it is a part."""
        return str(Address(self._info.address, self._part.items))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the axes."""
        return self._part.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self._part.size

    @property
    def dtype(self) -> str:
        """Canonical name of the type of its elements, as in NumPy and ml_dtypes."""
        return self._info.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the values as stored."""
        return self._info.nbytes * self.size // max(1, self._info.size)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes where known, else empty."""
        return tuple(self._info.axes[axis] for axis in self._part.kept if axis < len(self._info.axes))

    @property
    def kind(self) -> str:
        """What it is in its model: ``"parameter"``, ``"output"`` …"""
        return self._info.kind

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names of the same storage (tied weights)."""
        return self._info.aliases

    @property
    def unreadable(self) -> str:
        """Why its values can't be shown; empty when they can."""
        return self._info.unreadable

    def read(self, region: Index = ...) -> np.ndarray:
        """Values in the tensor's own dtype (ml_dtypes types for bfloat16, float8 and int4).

        Parameters
        ----------
        region : int, slice, ``...`` or a tuple of them
            As in NumPy's basic indexing. Only these values are read.

        Returns
        -------
        ndarray
            Shaped as NumPy would shape it.

        Raises
        ------
        IndexError
            If the region is not one of this tensor (as `NnscopeError`).
        FileError
            If the bytes can't be read.
        """
        return read_part(self._client, self._info, self._part.select(region, plain(self.address)))

    def stats(self) -> TensorStats:
        """Counts, moments, extremes and histogram over all its values (methods.md §1)."""
        client, info = self._own()
        answer: TensorStats = client.ask(GetStats(info.address))
        return answer

    def singular_values(self, k: int = 16, complete: bool = False) -> Spectrum:
        """The ``k`` largest singular values of the tensor seen as a matrix of its first axis × the rest.

        Parameters
        ----------
        k : int
        complete : bool
            Decompose matrices up to a shorter side of 4096 in full, for their exponent and effective rank; otherwise
            up to 1024.

        Returns
        -------
        Spectrum
            ``sigma`` in descending order, with whether it is exact and the residual when it is not.
        """
        if self.ndim < 2:
            raise NnscopeError("Singular values need at least two axes.", plain(self.address))
        client, info = self._own()
        answer: Spectrum = client.ask(GetSpectrum(info.address, k, complete))
        return answer

    def kept_steps(self) -> np.ndarray:
        """The steps of a recorded run at which it was kept, rising, int64; none of what is in no run."""
        from nnscope.headless.moving import Subject

        return Subject(self._client, self._info, {}).kept()

    def history(self, name: str = "mean") -> Series:
        """A statistic over the steps of a recorded run: a field of `TensorStats`, ``"std"`` or ``"frobenius"`` (norm).

        Its ``steps`` rise: where the training started over, the newest of equal steps counts.

        Raises
        ------
        NnscopeError
            If it is in no recorded run, is a part of a tensor, or there is no such statistic.
        """
        if self._part.items:
            raise NnscopeError("Statistics were recorded of whole tensors.", plain(self.address))
        return history(self._client, self._info.address, name)

    def at_step(self, step: int) -> Tensor:
        """It as it was kept at a step of a recorded run.

        Raises
        ------
        NnscopeError
            If it was not kept there.
        """
        info = self._client.ask(GetInfo(f"{self._info.address}@{step}"))
        return Tensor(self._client, info, self._part)

    def compression(self, nbytes: int = 0, steps: int = 300) -> CompressionTable:
        """What a Gaussian field and other codes keep of its values in as many bytes (methods.md §13).

        Parameters
        ----------
        nbytes : int
            Bytes for each code; 0 for an eighth of the values as float32.
        steps : int
            Of the fit of the field.

        Returns
        -------
        CompressionTable
            ``rows`` with PSNR and SNR in dB of the field, octree, mip pyramid, truncated SVD, and quantisation to 8 and
            4 bits, and the spectral ``flatness``, which bounds what any smooth code can gain.

        Raises
        ------
        NnscopeError
            If it has less than two axes, or values that are not finite. More than three axes are taken as a matrix of
            the first × the rest.
        """
        if self.ndim < 2:
            raise NnscopeError("Codes are compared over at least two axes.", plain(self.address))
        from nnscope.fields.compression import compression_table
        from nnscope.fields.settings import FitSettings

        values = self.read()
        if values.ndim > 3:
            values = values.reshape(len(values), -1)
        return compression_table(values, nbytes, FitSettings(steps=steps))

    def analyse(self, method: str, **settings: str | int | float | bool) -> Analysis:
        """Apply a method of the compute core where the tensor lives, such as ``"attention-recursion"``.

        Parameters
        ----------
        method : str
            `nnscope.analyses` lists them, with their settings.
        **settings
            The method's own; those left out have their defaults.

        Returns
        -------
        Analysis
            ``arrays`` by name and ``facts`` (single values), the settings that were used among them.

        Raises
        ------
        NnscopeError
            If there is no such method or setting, or it can't be applied to this tensor.
        """
        client, info = self._own()
        answer: Analysis = client.ask(Analyse(info.address, method, tuple(sorted(settings.items()))))
        return answer

    def probe(self, index: tuple[int, ...], level: int = 0) -> ProbeAnswer:
        """One element in full precision, and what surrounds it: what hovering there shows.

        Parameters
        ----------
        index : tuple of int
            One per axis; negative ones count from the end.
        level : int
            Above 0, the answer has statistics of the block of 2**level × 2**level heat-map cells around the element.

        Returns
        -------
        ProbeAnswer
            ``value``, its ``zscore`` against the whole tensor, ``block``.
        """
        from nnscope.headless.probing import probe_element

        place = self._part.select(index, plain(self.address))
        if place.shape:
            wants = f"Give {self.ndim}, one for each axis of {self.shape}."
            raise IndexingError(f"{len(index)} indices do not name one element.", plain(self.address), wants)
        return probe_element(self._client, self._info, place.index(()), level)

    def difference(self, other: Tensor) -> Tensor:
        """This minus ``other``, which has the same shape: a tensor as float64, worked out where it is read.

        Raises
        ------
        NnscopeError
            If their shapes differ, or one of them can't be read.
        """
        from nnscope.headless.comparing import Shown, subtracted

        found = subtracted(Shown(*self._own()), Shown(*other._own()))
        return Tensor(found.client, found.info)

    def compare(self, other: Tensor, **options: Unpack[LookOptions]) -> RenderedPicture:
        """A picture of this, of ``other`` in the same colour domain, and of their `difference`, side by side.

        Parameters
        ----------
        other : Tensor
            Of the same shape.
        **options
            As for `render`.

        Raises
        ------
        ValueError
            If an option or its value does not exist (as `NnscopeError`).
        NnscopeError
            If they can't be compared or drawn.

        Examples
        --------
        >>> a, b = nnscope.open("before.safetensors"), nnscope.open("after.safetensors")  # doctest: +SKIP
        >>> b["conv1.weight"].compare(a["conv1.weight"]).save("change.png")  # doctest: +SKIP
        """
        from nnscope.headless.comparing import Shown, picture_of_three

        mine, theirs = self._fixed(), other._fixed()
        if mine != theirs:
            raise NnscopeError("Only the same parts of two tensors can be drawn.", plain(self.address))
        sides = Shown(self._client, self._info), Shown(other._client, other._info)
        return picture_of_three(*sides, mine, look(options))

    def render(self, **options: Unpack[LookOptions]) -> RenderedPicture:
        """A picture of it, drawn with no display: pixel for pixel what the window shows at that size.

        Parameters
        ----------
        **options
            Fields of `nnscope.headless.look.Look`: ``view``, ``size``, ``scientific``, ``colours``, ``normalisation``,
            ``limits``, ``reduction``, ``rows``, ``cols``, ``theme``, ``scale``, ``exact``.

        Returns
        -------
        RenderedPicture
            With ``rgba`` (uint8, height × width × 4), ``legend`` and ``steps``. The domain is that of the whole
            tensor, so that pictures of its parts can be compared.

        Raises
        ------
        ValueError
            If an option or its value does not exist (as `NnscopeError`).
        NnscopeError
            If the view can't show this tensor or nothing can be drawn on this machine.
        """
        from nnscope.headless.picture import take_picture

        picture = take_picture(self._client, self._info, self._fixed(), look(options))
        return replace(picture, address=self.address)

    def animate(
        self,
        path: str | os.PathLike[str],
        *,
        steps: tuple[int | None, ...] = (),
        frames: int | None = None,
        fps: float = 25.0,
        orbit: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
        **options: Unpack[LookOptions],
    ) -> Animation:
        """A film of it through the steps of a recorded run, or around it: each picture as `render` draws it.

        Parameters
        ----------
        path : path
            Its ending says the format: ``.mp4`` (H.264), ``.gif`` (one palette for all pictures) or ``.png`` (APNG,
            without loss). It gets its name when it is whole.
        steps : (int or None, int or None) or (int or None, int or None, int)
            First and last step to be shown, None for the ends of the run, and to take every so many of those at which
            the tensor was kept; all of them by default.
        frames : int, optional
            Number of pictures, the steps spread over them evenly; one for each step by default.
        fps : float
            Pictures a second.
        orbit : bool
            Whether the camera of a picture in space goes around once.
        on_progress : callable, optional
            Called with a `Progress` before each picture.
        **options
            As for `render`. Colours mean the same in all pictures.

        Returns
        -------
        Animation
            With ``path``, ``size``, ``frames``, ``fps``, ``seconds`` and the ``steps`` that it shows.

        Raises
        ------
        ValueError
            If an option or its value does not exist, or the format does not have this size or rate.
        NnscopeError
            If nothing moves, a picture can't be drawn, or the file can't be written.

        Examples
        --------
        >>> nnscope.open("run.nnscope")["conv1.weight"].animate("training.mp4", size=(1280, 720))  # doctest: +SKIP
        >>> nnscope.open("scan.tif")["scan"].animate("turn.gif", orbit=True, view="volume")  # doctest: +SKIP
        """
        from nnscope.headless.moving import Subject, animate, motion_of

        motion = motion_of(steps, frames, orbit)
        subject = Subject(self._client, self._info, self._fixed())
        return animate(subject, path, look(options), motion, fps, on_progress)

    def __getitem__(self, region: Index) -> np.ndarray:
        return self.read(region)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self.read(i) for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("The values are read from their source, which makes a copy.")
        values = self.read()
        return values if dtype is None else values.astype(dtype)

    def __repr__(self) -> str:
        return f"Tensor({plain(self.address)!r}, shape={self.shape}, dtype={self.dtype!r}, kind={self.kind!r})"

    def _repr_html_(self) -> str:
        head = " · ".join(map(html.escape, (plain(self.address), str(self.shape), self.dtype, self.kind)))
        try:
            data = base64.b64encode(self._picture()).decode()
            body = f'<img alt="" style="max-width: 100%" src="data:image/png;base64,{data}">'
        except NnscopeError as error:
            body = html.escape(plain(str(error), limit=0))
        return f'<div><div style="font-family: monospace">{head}</div>{body}</div>'

    def _picture(self) -> bytes:
        if self._shown is None or self._shown[0] != self._info.version:
            picture = self.render(size=NOTEBOOK_SIZE, exact=False)  # a large tensor: a labelled sample, but soon
            self._shown = (self._info.version, picture.png())
        return self._shown[1]

    def _own(self) -> tuple[Client, TensorInfo]:
        """Whom to ask about exactly this: the source itself, or a source that holds just the part."""
        if not self._part.items:
            return self._client, self._info
        client = part_client(self._client, self._info, self._part)
        return client, client.listing.tensors[0]

    def _fixed(self) -> dict[int, int]:
        """The axes that the index fixes, for a picture."""
        if any(isinstance(item, slice) and item != slice(None) for item in self._part.items):
            raise NnscopeError(
                "A picture shows whole axes.", plain(self.address), "Use single indices and ':' only, and zoom in."
            )
        return {axis: at for axis, at in enumerate(self._part.axes) if isinstance(at, int)}
