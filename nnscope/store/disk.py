"""Arrays kept on disk between runs: upper pyramid levels of large files, which cost a pass over all their bytes.

One uncompressed ``.npz`` per entry in the user's cache folder, written atomically, named by a hash of its key; the
least recently used go when the folder outgrows its budget. A cache may vanish at any time: every failure to read or
write it means building again, never an error.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from nnscope.core.atomic import write_atomically
from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import numpy as np

ENVIRONMENT = "NNSCOPE_CACHE"  # folder, in place of the user's own; empty switches the cache off
BUDGET = 2 << 30  # bytes


class DiskCache:
    """Named arrays under a byte budget.

    Parameters
    ----------
    folder : Path or None
        None keeps nothing.
    budget : int
        Bytes kept at most after each `put`.
    """

    def __init__(self, folder: Path | None, budget: int = BUDGET) -> None:
        self.folder = folder
        self.budget = budget

    def get(self, key: Hashable) -> dict[str, np.ndarray] | None:
        """The arrays kept for ``key``, or None."""
        if self.folder is None:
            return None
        import numpy as np

        path = self._path(key)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                arrays = {name: held[name] for name in held.files}
            os.utime(path)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        return arrays

    def put(self, key: Hashable, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep ``arrays`` for ``key`` if the disk allows, and let old entries go."""
        if self.folder is None or sum(a.nbytes for a in arrays.values()) > self.budget:
            return
        import io

        import numpy as np

        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(key), buffer.getvalue())
            self._trim()
        except (OSError, NnscopeError):
            return  # a full or read-only disk only costs the next run some time

    def _path(self, key: Hashable) -> Path:
        assert self.folder is not None
        return self.folder / f"{hashlib.sha256(repr(key).encode()).hexdigest()[:40]}.npz"

    def _trim(self) -> None:
        assert self.folder is not None
        entries = [(path.stat(), path) for path in self.folder.glob("*.npz")]
        total = sum(stat.st_size for stat, _ in entries)
        for stat, path in sorted(entries, key=lambda entry: entry[0].st_mtime_ns):
            if total <= self.budget:
                return
            path.unlink(missing_ok=True)
            total -= stat.st_size


def user_cache() -> DiskCache:
    """The cache in the user's cache folder, or where `ENVIRONMENT` says."""
    override = os.environ.get(ENVIRONMENT)
    if override is not None:
        return DiskCache(Path(override) if override else None)
    from platformdirs import user_cache_path

    return DiskCache(user_cache_path("nnscope", appauthor=False) / "pyramids")
