"""What plugins add: models that can be run, readers of file formats, views, and sources behind a scheme of their own.

A `Registry` only keeps what it is given, by name; the rooms that use an entry look it up here. Nothing is imported and
nothing is run by registering, so a plugin hands over functions and does its heavy imports inside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np

    from nnscope.core.request import Scalar


@dataclass(frozen=True, slots=True)
class Samples:
    """Inputs to run a model on.

    Attributes
    ----------
    labels : tuple of str
        One line of text each, in the order of the picker.
    load : callable
        ``load(i)`` gives the positional arguments of one forward call, as a tuple (a batch of one example, usually).
    """

    labels: tuple[str, ...]
    load: Callable[[int], tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that can be opened as ``demo:NAME``.

    Attributes
    ----------
    name, title, description : str
        ``name`` is the one in the address; ``title`` and ``description`` are for the welcome page.
    factory : callable
        ``factory()`` gives the model with its weights (an ``nn.Module``); called in the model process only.
    weights : Path or None
        A safetensors file under the model's own parameter names, shown while the model process starts.
    samples : callable or None
        ``samples()`` gives the `Samples`; called in the model process only.
    classes : tuple of str
        Names of the classes when the model is a classifier whose first output is (1, classes) logits.
    train : callable or None
        ``train(model, seed)`` yields once per step of training from scratch, with what to tell (``step``, ``epoch``,
        ``loss``, ``accuracy``). Between two yields the model is at rest, so a step must be whole.
    previews : callable or None
        ``previews()`` gives a small picture of each sample, for the picker: an array of uint8 [sample, row, column], 0
        for paper to 255 for ink. Called in the window, so it must be quick and need no torch.
    """

    name: str
    title: str
    description: str
    factory: Callable[[], Any]
    weights: Path | None = None
    samples: Callable[[], Samples] | None = None
    classes: tuple[str, ...] = ()
    train: Callable[[Any, int], Iterator[Mapping[str, Scalar]]] | None = None
    previews: Callable[[], np.ndarray] | None = None


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """A file format.

    Attributes
    ----------
    name : str
        Name of the format, as in `Listing.format`.
    suffixes : tuple of str
        With their dot, in lower case: ``(".gguf",)``.
    open : callable
        ``open(path)`` gives a `Source`; it raises `FileError` for malformed input and nothing else.
    """

    name: str
    suffixes: tuple[str, ...]
    open: Callable[[Path], Any]


class Registry:
    """What has been registered, by name. A name can be taken once.

    Attributes
    ----------
    models : dict of str to ModelSpec
    readers : dict of str to ReaderSpec
    views : dict of str to View
        Objects that keep the contract of ``nnscope.views.base.View``.
    sources : dict of str to callable
        By scheme: ``open(address)`` gives a `Source` for ``scheme:…``.
    """

    def __init__(self) -> None:
        self.models: dict[str, ModelSpec] = {}
        self.readers: dict[str, ReaderSpec] = {}
        self.views: dict[str, Any] = {}
        self.sources: dict[str, Callable[[str], Any]] = {}

    def add_model(self, name: str, spec: ModelSpec) -> None:
        """Offer a model as ``demo:name``."""
        _add("model", self.models, name, spec)

    def add_reader(self, name: str, spec: ReaderSpec) -> None:
        """Offer a file format."""
        _add("reader", self.readers, name, spec)

    def add_view(self, name: str, view: Any) -> None:
        """Offer a kind of picture."""
        _add("view", self.views, name, view)

    def add_source(self, scheme: str, open: Callable[[str], Any]) -> None:
        """Offer what ``scheme:…`` opens."""
        _add("source", self.sources, scheme, open)

    def merge(self, other: Registry) -> None:
        """Take over all entries of ``other``, or none of them when a name is taken."""
        both = [(kind, getattr(self, kind), getattr(other, kind)) for kind in ("models", "readers", "views", "sources")]
        for kind, mine, theirs in both:
            for name in mine.keys() & theirs.keys():
                raise _taken(kind.removesuffix("s"), name)
        for _, mine, theirs in both:
            mine.update(theirs)


def _add(kind: str, entries: dict[str, Any], name: str, entry: Any) -> None:
    if name in entries:
        raise _taken(kind, name)
    entries[name] = entry


def _taken(kind: str, name: str) -> NnscopeError:
    return NnscopeError(f"A {kind} of this name is registered already.", name)
