"""Opening, replacing and closing sources without blocking: paths in, listings out.

Paths open in a thread, because reading a header can take a while and starting a model takes longer. A source may
come in stages (a demo's weights, then its live model): each later engine takes over under the same key.
"""

from __future__ import annotations

import threading
import traceback
from functools import partial
from typing import TYPE_CHECKING, Any

from nnscope.core.answer import Changed, Died, Grown
from nnscope.core.attaching import is_address
from nnscope.core.errors import Failure
from nnscope.core.request import ListTensors
from nnscope.core.tensor import Listing
from nnscope.engine.opening import is_live, open_engines, source_key
from nnscope.scene.library import OpenSource

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.engine.protocol import Engine
    from nnscope.scene.jobs import JobBoard
    from nnscope.scene.library import Library

PATIENCE = 2.0  # seconds a model process waits for the first picture before it starts all the same


class Sessions:
    """One per controller; ``inline`` opens in the caller's thread and starts no model process.

    Parameters
    ----------
    library : Library
    board : JobBoard
    post : callable
        Runs a function on the window's thread.
    tell : Listener
        What is called there when something happened.
    inline : bool
    """

    def __init__(
        self,
        library: Library,
        board: JobBoard,
        post: Callable[[Callable[[], None]], None],
        tell: Listener,
        inline: bool = False,
    ) -> None:
        self._library = library
        self._board = board
        self._post = post
        self._tell = tell
        self._inline = inline
        self._opening: dict[str, object] = {}  # key -> token of the newest opening
        self._paths: dict[str, str] = {}  # key -> what was opened; the address of a training says more than its key
        self._engines: dict[Engine, str] = {}  # all that must be closed, those not listed yet too, with their keys
        self._threads: set[threading.Thread] = set()
        self._seen = threading.Event()
        self._closed = False

    @property
    def opening(self) -> tuple[str, ...]:
        """Keys that are being opened."""
        return tuple(self._opening)

    def open(self, path: str) -> str:
        """Start opening ``path``; returns its key at once."""
        key = source_key(path)
        if (key in self._library.sources and path == self._paths.get(key, path)) or key in self._opening:
            return key
        self._paths[key] = path
        self._start(path, key)
        return key

    def adopt(self, key: str, engine: Engine) -> None:
        """Show what an engine made elsewhere holds (a capture, a user's own process)."""
        self._engines[engine] = key
        self._stage(key, None, engine)

    def close_source(self, key: str) -> None:
        """Forget a source and end its engines, one that is still to take over too."""
        self._opening.pop(key, None)
        known = key in self._library.sources
        self._board.cancel_source(key)
        self._library.forget(key)
        self._dispose_all(key)
        self._paths.pop(key, None)
        if known:
            self._tell.renewed(key)
            self._tell.listed(key)

    def restart(self, key: str) -> None:
        """Open a source anew after its process died; what is shown stays until the new engine answers."""
        self._opening.pop(key, None)
        if key in self._library.sources:
            self._dispose_all(key)
            self._start(self._paths.get(key, key), key)

    def seen(self) -> None:
        """A picture is on the screen: models that were waiting for it may start."""
        self._seen.set()

    def close(self) -> None:
        """End every engine and thread. Blocks until they are gone."""
        self._closed = True
        self._seen.set()
        self._opening.clear()
        for key in list(self._library.sources):
            self._library.forget(key)
        self._close_engines()
        for thread in list(self._threads):
            thread.join()
        self._close_engines()  # a thread may have made one more

    def _start(self, path: str, key: str) -> None:
        token = self._opening[key] = object()
        if self._inline:
            self._work(path, key, token)
            return
        thread = threading.Thread(target=self._work, args=(path, key, token), name="nnscope-open", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _work(self, path: str, key: str, token: object) -> None:
        try:
            for engine in open_engines(path, self._inline, live=not self._inline):
                if self._closed or self._opening.get(key) is not token:
                    engine.close()
                    break
                self._engines[engine] = key
                self._post(partial(self._stage, key, token, engine))
                if not self._inline and is_live(path):  # a model's imports would take the cores of the first picture
                    self._seen.wait(PATIENCE)
        except Exception as error:
            failure = Failure.of(error, traceback.format_exc())
            self._post(partial(self._refused, key, token, failure))
        else:
            self._post(partial(self._opened, key, token))
        finally:
            self._threads.discard(threading.current_thread())

    def _opened(self, key: str, token: object) -> None:
        if self._opening.get(key) is token:
            del self._opening[key]

    def _refused(self, key: str, token: object, failure: Failure) -> None:
        if self._opening.get(key) is token:
            del self._opening[key]
            source = self._library.sources.get(key)
            if source is not None and (is_live(key) or is_address(key)):
                source.dead = str(failure)
            self._tell.failed(failure)
            self._tell.told(key)

    def _stage(self, key: str, token: object | None, engine: Engine) -> None:
        """On the window's thread: a new engine is there; it takes over when it has listed its tensors."""
        if self._closed or (token is not None and self._opening.get(key) is not token):
            self._dispose(engine)
            return
        engine.notices.connect(lambda notice: self._post(partial(self._noticed, key, engine, notice)))
        self._board.send(engine, ListTensors(), f"Listing {key}", key, partial(self._listed, key, engine))

    def _listed(self, key: str, engine: Engine, answer: Any) -> None:
        if engine not in self._engines:  # closed while it listed
            return
        if not isinstance(answer, Listing):
            self._dispose(engine)
            if isinstance(answer, Failure) and answer.code not in ("cancelled", "closed"):
                self._tell.failed(answer)
            return
        source = self._library.sources.get(key)
        if source is None:
            source = self._library.sources[key] = OpenSource(key, engine)
            self._tell.renewed(key)
        elif source.engine is not engine:
            old, source.engine, source.dead = source.engine, engine, ""
            self._dispose(old)
            self._tell.renewed(key)
        source.accept(answer)
        self._tell.listed(key)

    def _noticed(self, key: str, engine: Engine, notice: Any) -> None:
        source = self._library.sources.get(key)
        if source is None or source.engine is not engine:
            return
        if isinstance(notice, Died):
            source.dead = notice.reason
            self._board.cancel_source(key)
            remedy = "Attach again from the banner." if is_address(key) else "Restart it from the banner."
            self._tell.failed(Failure(notice.reason, key, remedy, "died"))
        elif isinstance(notice, Changed):
            for address in notice.addresses or tuple(source.versions):
                source.versions[address] = notice.version
            source.status.update(notice.status)
        elif isinstance(notice, Grown):
            source.grow(notice)
            if source.listing is not None and notice.tensors != len(source.listing.tensors):
                self.relist(key)
            self._tell.grown(key)
        self._tell.told(key)

    def relist(self, key: str) -> None:
        """Ask for the listing again (a live model has new captured values)."""
        source = self._library.sources.get(key)
        if source is not None and not source.dead:
            engine = source.engine
            self._board.send(engine, ListTensors(), f"Listing {key}", key, partial(self._listed, key, engine))

    def _dispose(self, engine: Engine) -> None:
        """Close an engine away from the window's thread: it may wait for a read to end."""
        self._engines.pop(engine, None)
        if self._inline or self._closed:
            engine.close()
            return
        thread = threading.Thread(target=self._close_engine, args=(engine,), name="nnscope-close", daemon=True)
        self._threads.add(thread)
        thread.start()

    def _dispose_all(self, key: str) -> None:
        for engine in [e for e, of in self._engines.items() if of == key]:
            self._dispose(engine)

    def _close_engines(self) -> None:
        while self._engines:
            engine, _ = self._engines.popitem()
            engine.close()

    def _close_engine(self, engine: Engine) -> None:
        engine.close()
        self._threads.discard(threading.current_thread())


class Listener:
    """What `Sessions` calls on the window's thread.

    Attributes
    ----------
    listed : callable
        A source's listing came, changed or went: (key).
    renewed : callable
        Before that, when another engine answers for the source than before, or none does: (key).
    grown : callable
        A recorded run has grown: (key).
    told : callable
        A live source told something: (key).
    failed : callable
        (Failure).
    """

    def __init__(
        self,
        listed: Callable[[str], None],
        renewed: Callable[[str], None],
        grown: Callable[[str], None],
        told: Callable[[str], None],
        failed: Callable[[Failure], None],
    ) -> None:
        self.listed = listed
        self.renewed = renewed
        self.grown = grown
        self.told = told
        self.failed = failed
