"""An engine, asked one thing at a time: every question waits for its answer, and a failure is raised."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnscope.core.address import Address, parse_address
from nnscope.core.attaching import is_address
from nnscope.core.errors import Cancelled, Failure, FileError, NnscopeError
from nnscope.core.request import Control, GetInfo, ListTensors
from nnscope.core.text import plain
from nnscope.headless.names import near_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnscope.core.answer import Progress
    from nnscope.core.request import Request, Scalar
    from nnscope.core.tensor import Listing, TensorInfo
    from nnscope.engine.protocol import Engine
    from nnscope.sources.base import Source

    OnProgress = Callable[[Progress], None] | None

# Codes of failures that are not about a file's bytes; every other code is a `FileError`'s.
_GENERAL = frozenset(("", "nnscopeerror", "unexpected", "memory", "died", "user-code", "too-large", "wireerror"))
_TRACED = frozenset(("unexpected", "died", "reader-died", "user-code"))  # whose details tell where the trouble lies


class UnknownTensorError(NnscopeError, KeyError):
    """There is no tensor of that name."""


class Client(ABC):
    """Asks an engine and waits for its answers.

    Parameters
    ----------
    on_progress : callable or None
        Called with each `Progress` of what is being asked; from another thread when a model process tells it.
    """

    def __init__(self, on_progress: OnProgress = None) -> None:
        self.on_progress = on_progress

    @property
    @abstractmethod
    def engine(self) -> Engine:
        """Who answers."""

    @abstractmethod
    def close(self) -> None:
        """Free files, threads and processes. Idempotent."""

    def ask(self, request: Request) -> Any:
        """The answer to ``request``.

        Raises
        ------
        NnscopeError
            If the engine answers with a failure: `FileError` when it concerns a file's bytes.
        """
        job = self.engine.submit(request, self.on_progress)
        try:
            answer = job.answer()
        except BaseException:  # interrupted from the keyboard: the engine should stop as well
            job.cancel()
            raise
        if isinstance(answer, Failure):
            raise error_of(answer)
        return answer

    def control(self, command: str, **arguments: Scalar) -> None:
        """Send a command to a live model (`core.request.Control`) and list anew what it holds."""
        self.ask(Control(command, tuple(sorted(arguments.items()))))
        self._accept(self.ask(ListTensors()))

    @property
    def listing(self) -> Listing:
        """What the engine's source holds."""
        return self._listing

    def info(self, name: str) -> TensorInfo | None:
        """The tensor of that very name or alias; None when there is none."""
        return self._infos.get(name)

    def holds(self, text: str) -> bool:
        """Whether the address means a tensor of this engine."""
        return self.info(text) is not None or self.info(parse_address(text).name) is not None

    def find(self, text: str) -> tuple[TensorInfo, Address]:
        """The tensor that an address means, and the address parsed; an alias gives the tensor it stands for.

        Raises
        ------
        UnknownTensorError
            If there is none; the sentence names those that are near.
        NnscopeError
            If the index is not understood, or a step is given: only a recorded run has steps.
        """
        found = self.info(text)
        if found is not None:  # a name that exists as it stands wins over its parse
            return found, Address(text)
        address = parse_address(text)
        found = self.info(address.name)
        if found is None:
            raise self._unknown(address.name)
        if address.step is not None:
            return self._at_step(found, address), address
        return found, address

    def _at_step(self, newest: TensorInfo, address: Address) -> TensorInfo:
        """What a recorded run holds of a tensor at a step, or what changed between two; also of two runs compared."""
        if self.listing.format not in ("run", "comparison"):
            raise NnscopeError("Only a recorded run has steps.", plain(str(address)), "Leave out the part after '@'.")
        found: TensorInfo = self.ask(GetInfo(f"{newest.address}{address.moment}"))
        return found

    def _accept(self, listing: Listing) -> None:
        self._listing = listing
        self._infos = {alias: info for info in listing.tensors for alias in info.aliases}
        self._infos.update((info.address, info) for info in listing.tensors)

    def _unknown(self, name: str) -> UnknownTensorError:
        names = [info.address for info in self.listing.tensors]
        near = " or ".join(plain(like, 96) for like in near_names(name, names))
        remedy = f"Did you mean {near}?" if near else "`nnscope info` lists the names."
        return UnknownTensorError("There is no tensor of this name.", plain(name), remedy)


class EngineClient(Client):
    """Asks an engine that exists, such as a model process.

    Parameters
    ----------
    engine : Engine
        Owned by the client from now on: closed with it, and at once when it can't list its tensors.
    on_progress : callable or None
    """

    def __init__(self, engine: Engine, on_progress: OnProgress = None) -> None:
        super().__init__(on_progress)
        self._engine = engine
        with _closing_on_error(engine):
            self._accept(self.ask(ListTensors()))

    @property
    def engine(self) -> Engine:
        """Who answers."""
        return self._engine

    def close(self) -> None:
        """End the engine. Idempotent."""
        self._engine.close()


class SourceClient(Client):
    """Asks about a source in this process. Listing it needs no engine: that is made with the first question.

    Parameters
    ----------
    source : Source
        Owned by the client from now on: closed with it, and at once when it can't list its tensors.
    on_progress : callable or None
    """

    def __init__(self, source: Source, on_progress: OnProgress = None) -> None:
        super().__init__(on_progress)
        self.source = source
        with _closing_on_error(source):
            self._accept(source.listing())

    @cached_property
    def engine(self) -> Engine:
        """Answers in the caller's thread."""
        from nnscope.engine.local import LocalEngine

        return LocalEngine(self.source, inline=True)

    def close(self) -> None:
        """Close the source. Idempotent."""
        self.source.close()


def open_client(path: str, address: str = "", on_progress: OnProgress = None) -> Client:
    """Open a file, a folder, ``demo:NAME``, ``file.py:factory`` or the address of a training.

    A model is started for what is in no file: with the ``address`` of one of a demo's weights it is not.

    Raises
    ------
    NnscopeError
        If the path can't be opened.
    """
    from nnscope.engine.opening import is_guarded, is_live, stored_source

    if is_address(path):
        from nnscope.engine.attach import attach

        return EngineClient(attach(path), on_progress)
    if is_guarded(path):
        from nnscope.engine.spawn import start_reader

        return EngineClient(start_reader(path), on_progress)
    stored = stored_source(path) if address or not is_live(path) else None
    if stored is not None:
        client = SourceClient(stored, on_progress)
        if not is_live(path) or client.holds(address):
            return client
        client.close()
    from nnscope.engine.spawn import start_model

    return EngineClient(start_model(path), on_progress)


@contextmanager
def _closing_on_error(owned: Engine | Source) -> Iterator[None]:
    try:
        yield
    except BaseException:
        owned.close()
        raise


def error_of(failure: Failure) -> NnscopeError:
    """The exception that a failure tells of."""
    if failure.code == "cancelled":
        return Cancelled()
    if failure.code in _GENERAL:
        error = NnscopeError(failure.what, failure.where, failure.remedy)
    else:
        error = FileError(failure.code, failure.what, failure.where, failure.remedy, offset=failure.offset)
    if failure.code in _TRACED and failure.details:
        error.add_note(failure.details)
    return error
