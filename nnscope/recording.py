"""``nnscope.watch``: record a training, and let others attach to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    import torch

    from nnscope.sources.live.budget import Budget
    from nnscope.sources.live.watching import Watch

PORTS = 1 << 16  # how many a machine has


def watch(
    model: torch.nn.Module,
    run: str | os.PathLike[str] | None = None,
    *,
    every: int | None = None,
    layers: str | Iterable[str] | Callable[[str], bool] = "*",
    kinds: Sequence[str] = ("parameter", "output", "grad"),
    attach: bool | int = True,
    tokens: Sequence[str] = (),
    budget: Budget | int | None = None,
) -> Watch:
    """Record a training run: call ``step`` of what is returned once after every step.

    Losses, gradients, parameters and the random state are bit for bit those without recording. The numbers given to
    ``step`` are kept for every step; statistics, histograms and frames of tensors for some. Whatever goes wrong with
    the recording is one line in the log, and training goes on; what was flushed, a second ago at most, stays readable
    even if the program is killed.

    One line on stderr says where to attach: ``nnscope ADDRESS`` or `launch` shows the training live, `open` reads it,
    all over a socket of this machine that can be forwarded, and the training does nothing for them.

    Parameters
    ----------
    model : torch.nn.Module
    run : path, optional
        Folder of the run, made if it is not there; it must be empty. `open` opens it, also while it grows. With None
        the run is kept for those who are attached and then removed.
    every : int, optional
        Look at tensors at every so many steps. By default as often as recording takes no more than 3 % of the time.
    layers : str, iterable of str, or callable
        Modules whose inputs and outputs are recorded: a path or pattern, several, or a function of the path.
    kinds : sequence of str
        Of ``"parameter"``, ``"grad"`` (gradients of parameters), ``"input"``, ``"output"``, ``"grad_input"`` and
        ``"grad_output"`` (of what modules take and give), ``"attention"``, the weights of each head, and
        ``"sensitivity"``: how much the output follows each input of the batch, Σ_j J_ji² as ``(model):jacobian``, and
        its norm ‖J‖_F among the numbers. That runs the model a few dozen times backwards at each look.
    attach : bool or int
        Whether others can attach; a number is the port of 127.0.0.1 for them, in place of any that is free.
    tokens : sequence of str
        Names of the tokens, for the axes of attention; the model's own ``token_names`` by default.
    budget : Budget or int, optional
        Memory for copies, room on the disk, and whether copies are carried in half precision; a number is the bytes of
        memory (1.25 GiB by default, a fifth of it in one look). Where it is too little for all tensors they take turns.

    Returns
    -------
    Watch
        With ``step``, ``close`` and ``address``; a context manager.

    Raises
    ------
    NnscopeError
        If the folder or the port can't be used, ``layers`` matches nothing or ``kinds`` holds something else.

    Examples
    --------
    >>> with nnscope.watch(model, "run.nnscope", every=10) as run:  # doctest: +SKIP
    ...     for x, y in loader:
    ...         loss = train_step(x, y)
    ...         run.step(loss=loss)
    >>> nnscope.open("run.nnscope")["conv1.weight@120"].stats().std  # doctest: +SKIP
    0.0416
    """
    from nnscope.sources.live.asked import folder_of
    from nnscope.sources.live.ranks import rank_here
    from nnscope.sources.live.watching import watch as begin
    from nnscope.store.runs.passing import passing_folder

    port = 0 if isinstance(attach, bool) else attach
    if not 0 <= port < PORTS:
        remedy = f"Give a number below {PORTS}, or True for any that is free."
        raise NnscopeError("There is no such port.", f"attach={attach}", remedy)
    if run is None and not attach:
        raise NnscopeError("A run that nobody can attach to needs a folder.", "run=None", "Give a folder.")
    if run is None and rank_here() is not None:
        raise NnscopeError("Processes that train together need a folder to share.", "run=None", "Give a folder.")
    folder = passing_folder() if run is None else folder_of(run)
    watched = begin(model, folder, every=every, layers=layers, kinds=kinds, tokens=tokens, budget=budget)
    if attach and leads(watched):
        open_to_others(watched, port, passing=run is None)
    return watched


def leads(run: Watch) -> bool:
    """Whether this process is the one to attach to: of several that train together the first, for the whole run."""
    return run.rank is None or run.rank[0] == 0


def open_to_others(run: Watch, port: int = 0, passing: bool = False) -> None:
    """Let others attach to a training, and say on stderr where; where they can't, why.

    Parameters
    ----------
    run : Watch
    port : int
        Of 127.0.0.1; 0 for any that is free.
    passing : bool
        Whether the folder of the run is removed when nobody looks at it any more.

    Raises
    ------
    NnscopeError
        If that very port was asked for and can't be used.
    """
    from nnscope.engine.serving import RunServer

    try:
        run.publish(RunServer(run.folder, port, passing))
    except NnscopeError as error:
        if port or passing:
            run.close()
            raise
        print(f"nnscope: {error}", file=sys.stderr)
    else:
        print(f"nnscope: attach to this training with: nnscope '{run.address}'", file=sys.stderr, flush=True)
