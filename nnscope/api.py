"""The Python interface: what `import nnscope` offers, loaded when it is first used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nnscope.collection import TensorCollection
from nnscope.headless.client import open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import torch

    from nnscope.captured import CapturedTensors
    from nnscope.sources.live.watching import Watch
    from nnscope.views.analyses.base import Method


def open(path: str | os.PathLike[str]) -> TensorCollection:
    """Open a file, a folder, ``demo:NAME`` or ``file.py:factory``, lazily.

    Parameters
    ----------
    path : str or path
        A safetensors file, a Hugging Face folder or its ``*.index.json``, a ``.pt``, ``.pth``, ``.bin`` or ``.ckpt``,
        a ``.npy`` or ``.npz``, an HDF5 file (``.h5``, ``.hdf5``), a ``.tif`` or ``.tiff`` stack, the folder of a
        recorded run: nothing in it is run. HDF5 and TIFF files and runs are read, and models (``demo:NAME``,
        ``file.py:factory``) run, in a process of their own, which lasts until the collection is closed.

    Returns
    -------
    TensorCollection
        A mapping from address to `nnscope.tensor.Tensor`.

    Raises
    ------
    FileError
        If the file can't be read or is malformed.
    NnscopeError
        If the model can't be started.

    Examples
    --------
    >>> src = nnscope.open("model.safetensors")  # doctest: +SKIP
    >>> src["encoder.layer.0.attention.self.query.weight"].stats().std  # doctest: +SKIP
    0.0416
    """
    return TensorCollection(open_client(os.fspath(path)))


def analyses() -> tuple[Method, ...]:
    """The methods that `nnscope.tensor.Tensor.analyse` applies, each with its name, title and settings."""
    from nnscope.views.analyses.registry import methods

    return methods()


def capture(
    model: torch.nn.Module,
    layers: str | Iterable[str] | Callable[[str], bool] = "*",
    kinds: Sequence[str] = ("input", "output"),
    tokens: Sequence[str] = (),
) -> CapturedTensors:
    """Capture what modules take and give, and attention, while a ``with`` block runs; the model computes as ever.

    Parameters
    ----------
    model : torch.nn.Module
    layers : str, iterable of str, or callable
        Which modules: a path or a pattern (``"encoder.*"``), several, or a function of the path.
    kinds : sequence of str
        Of ``"input"``, ``"output"``, and ``"grad_input"`` and ``"grad_output"``, their gradients in a backward pass;
        and ``"attention"``, the weights of each head, with those of all layers in one tensor such as
        ``h:attention.layers``.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.

    Returns
    -------
    CapturedTensors
        A context manager, and a mapping from address to `nnscope.tensor.Tensor`, readable after the block too.

    Raises
    ------
    NnscopeError
        If ``layers`` matches no module or a kind can't be captured.

    Examples
    --------
    >>> with nnscope.capture(model, layers="encoder.*") as cap:  # doctest: +SKIP
    ...     model(x)
    >>> cap["encoder.layer.0:output"].shape  # doctest: +SKIP
    (1, 16, 64)
    """
    from nnscope.captured import CapturedTensors
    from nnscope.sources.live.capture import capture as hooks

    return CapturedTensors(hooks(model, layers, kinds, tokens=tokens))


def watch(
    model: torch.nn.Module,
    run: str | os.PathLike[str],
    *,
    every: int | None = None,
    layers: str | Iterable[str] | Callable[[str], bool] = "*",
    kinds: Sequence[str] = ("parameter", "output", "grad"),
) -> Watch:
    """Record a training run: call ``step`` of what is returned once after every step.

    Losses, gradients, parameters and the random state are bit for bit those without recording. The numbers given to
    ``step`` are kept for every step; statistics, histograms and frames of tensors for some. Whatever goes wrong with
    the recording is one line in the log, and training goes on; what was flushed, a second ago at most, stays readable
    even if the program is killed.

    Parameters
    ----------
    model : torch.nn.Module
    run : path
        Folder of the run, made if it is not there; it must be empty. `open` opens it, also while it grows.
    every : int, optional
        Look at tensors at every so many steps. By default as often as recording takes no more than 3 % of the time.
    layers : str, iterable of str, or callable
        Modules whose inputs and outputs are recorded: a path or pattern, several, or a function of the path.
    kinds : sequence of str
        Of ``"parameter"``, ``"grad"`` (gradients of parameters), ``"input"``, ``"output"``, ``"grad_input"`` and
        ``"grad_output"`` (of what modules take and give).

    Returns
    -------
    Watch
        With ``step`` and ``close``; a context manager.

    Raises
    ------
    NnscopeError
        If the folder can't be used, ``layers`` matches nothing or ``kinds`` holds something else.

    Examples
    --------
    >>> with nnscope.watch(model, "run.nnscope", every=10) as run:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         loss = train_step(x, y)
    ...         run.step(loss=loss)
    >>> nnscope.open("run.nnscope")["conv1.weight@120"].stats().std  # doctest: +SKIP
    0.0416
    """
    from nnscope.sources.live.watching import watch as begin

    return begin(model, run, every=every, layers=layers, kinds=kinds)


def launch(source: str | os.PathLike[str] | TensorCollection | None = None) -> int:
    """Open the window, and return when it is closed.

    Parameters
    ----------
    source : path, TensorCollection, or None
        What to show. A collection from `open` is opened again by the window; one from `capture` is shown as it is, with
        the model's parameters. With None the window begins with its welcome page.

    Returns
    -------
    int
        0, or 1 when no window can open here; the reason is said on stderr.
    """
    from nnscope.app import run

    if isinstance(source, TensorCollection):
        paths, engines = source.for_window()
        return run(paths, engines=engines)
    return run([] if source is None else [os.fspath(source)])
