"""The GLSL files and their loader: text with ``#include "file.glsl"``, resolved within one folder.

Shaders are GLSL 1.20 without a version line (VisPy adds it). A file that several others include appears once. Includes
are plain file names: a shader can't reach outside its own folder, wherever that is (promise P24), so a plugin passes
its folder as ``root`` and is confined to it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from nnscope.core.errors import NnscopeError

FOLDER = Path(__file__).resolve().parent

_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*(?P<what>.*?)[ \t]*$", re.MULTILINE)
_QUOTED = re.compile(r'"([^"]*)"')
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@lru_cache
def load(name: str, root: Path = FOLDER, **defines: int) -> str:
    """The text of a shader with everything it includes.

    Parameters
    ----------
    name : str
        File name within ``root``.
    root : Path
        The folder that ``name`` and all includes lie in.
    **defines : int
        Preprocessor constants, written at the top.

    Raises
    ------
    NnscopeError
        If a file is missing, is no plain file of that folder, or includes itself.
    """
    head = "".join(f"#define {key} {value}\n" for key, value in defines.items())
    return head + _expand(name, root, (), set())


def _expand(name: str, root: Path, above: tuple[str, ...], done: set[str]) -> str:
    if name in above:
        raise NnscopeError(f"The shader includes itself: {' → '.join((*above, name))}.", str(root / above[0]))
    if name in done:
        return ""
    done.add(name)
    text = _read(name, root, above)

    def include(match: re.Match[str]) -> str:
        quoted = _QUOTED.fullmatch(match["what"])
        if quoted is None:
            raise NnscopeError(f"The shader's include {match['what']!r} is not a quoted file name.", str(root / name))
        return _expand(quoted[1], root, (*above, name), done)

    return _INCLUDE.sub(include, text)


def _read(name: str, root: Path, above: tuple[str, ...]) -> str:
    place = str(root / above[-1]) if above else str(root)
    if not _NAME.fullmatch(name):
        raise NnscopeError(f"The shader name {name!r} is not a plain file name.", place)
    file = root / name
    if file.resolve().parent != root.resolve():
        raise NnscopeError(f"The shader {name!r} is a link out of its folder.", place)
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NnscopeError(f"The shader {name!r} can't be read.", place) from error
