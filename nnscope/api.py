"""The Python interface: what `import nnscope` offers, loaded when it is first used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from nnscope.collection import TensorCollection
from nnscope.headless.client import open_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import torch

    from nnscope.captured import CapturedTensors
    from nnscope.report import Compatibility
    from nnscope.views.analyses.base import Method


def open(path: str | os.PathLike[str]) -> TensorCollection:
    """Open a file, a folder, ``demo:NAME`` or ``file.py:factory``, lazily.

    Parameters
    ----------
    path : str or path
        A safetensors file, a Hugging Face folder or its ``*.index.json``, a ``.pt``, ``.pth``, ``.bin`` or ``.ckpt``,
        a ``.npy`` or ``.npz``, an HDF5 file (``.h5``, ``.hdf5``), a ``.tif`` or ``.tiff`` stack, the folder of a
        recorded run, or the address that `watch` printed: nothing in it is run. HDF5 and TIFF files and runs are read,
        and models (``demo:NAME``, ``file.py:factory``) run, in a process of their own, which lasts until the collection
        is closed.

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
    return TensorCollection(open_client(os.fspath(path)), os.fspath(path))


def analyses() -> tuple[Method, ...]:
    """The methods that `nnscope.tensor.Tensor.analyse` applies, each with its name, title and settings."""
    from nnscope.views.analyses.registry import methods

    return methods()


def capture(
    model: torch.nn.Module,
    layers: str | Iterable[str] | Callable[[str], bool] = "*",
    kinds: Sequence[str] = ("input", "output"),
    tokens: Sequence[str] = (),
    *,
    budget: int = 256 << 20,
    half: bool = False,
) -> CapturedTensors:
    """Capture what a model computes while a ``with`` block runs; it computes as ever.

    Parameters
    ----------
    model : torch.nn.Module
    layers : str, iterable of str, or callable
        Which modules: a path or a pattern (``"encoder.*"``), several, or a function of the path.
    kinds : sequence of str
        Of ``"input"``, ``"output"``, and ``"grad_input"`` and ``"grad_output"``, their gradients in a backward pass;
        ``"attention"``, the weights of each head, with those of all layers in one tensor such as
        ``h:attention.layers``; ``"grad"``, gradients of parameters (``conv1.weight:grad``); ``"parameter"``, parameters
        and buffers as they are when they are read; and ``"sensitivity"``, how much the output follows each input of
        the last call, Σ_j J_ji² as ``(model):jacobian``, for which the model is run a few dozen times backwards when
        the block ends or somebody looks.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.
    budget : int
        Bytes of captured values kept at most, on the device of the model; beyond, the newest win, and the listing says
        which were not kept.
    half : bool
        Keep float32 values in half precision (float16 attention, bfloat16 else), and label them so.

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
    from nnscope.sources.live.captured import Room

    return CapturedTensors(hooks(model, layers, kinds, tokens, Room(budget, half)))


def compatibility(model: torch.nn.Module, *args: Any, **kwargs: Any) -> Compatibility:
    """What can be observed of each module of a model, and what can't and why, before anything is captured.

    Parameters
    ----------
    model : torch.nn.Module
    *args, **kwargs
        Inputs to run the model on once, in evaluation mode and without a graph, to tell also what is never called.
        Without any, nothing is run.

    Returns
    -------
    Compatibility
        The modules; print it to see them as a table.

    Raises
    ------
    NnscopeError
        If the model can't be run on these inputs.

    Examples
    --------
    >>> print(nnscope.compatibility(model, x).of("no"))  # doctest: +SKIP
    """
    from nnscope.report import Compatibility
    from nnscope.sources.live.examining import examine

    return Compatibility(examine(model, args, kwargs))


def launch(source: str | os.PathLike[str] | TensorCollection | None = None) -> int:
    """Open the window, and return when it is closed.

    Parameters
    ----------
    source : path, TensorCollection, or None
        What to show; also the address of a training, which is shown live. A collection from `open` is opened again by
        the window; one from `capture` is shown as it is, with the model's parameters. With None the window begins with
        its welcome page.

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
