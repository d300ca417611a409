"""Each test has its own settings and caches, and none reaches the user's home or the network."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
_count = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def surroundings() -> Iterator[str]:
    """The folder under which this session's settings lie; short, because socket paths end at 107 characters."""
    folder = tempfile.mkdtemp(prefix="nnscope-")
    with pytest.MonkeyPatch.context() as patch:
        runtime = os.path.join(folder, "run")
        os.mkdir(runtime, mode=0o700)
        patch.setenv("XDG_RUNTIME_DIR", runtime)
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.delenv("NO_COLOR", raising=False)
        patch.delenv("FORCE_COLOR", raising=False)
        _set_folders(patch, os.path.join(folder, "session"))
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def own_settings(surroundings: str) -> Iterator[None]:
    """Fresh XDG folders for this test. They don't exist yet, as on a new account."""
    with pytest.MonkeyPatch.context() as patch:
        _set_folders(patch, os.path.join(surroundings, str(next(_count))))
        yield


def _set_folders(patch: pytest.MonkeyPatch, base: str) -> None:
    for name in _FOLDERS:
        patch.setenv(name, os.path.join(base, name[4:].lower()))
