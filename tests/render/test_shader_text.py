"""The shader loader and the GLSL files as text: no GL is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from nnscope.shaders import FOLDER, load

from nnscope.core.errors import NnscopeError

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".glsl", ".vert", ".frag"))


def test_there_are_shaders() -> None:
    assert {"heatmap.frag", "tiles.vert", "overlay.frag"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_suit_old_compilers(path: Path) -> None:
    text = path.read_text()
    assert text.isascii()
    assert "#version" not in text, "VisPy adds the version"
    assert not re.search(r"\b(texture|textureLod|texelFetch|in|out|layout|uint)\b\s*[( ]", _code(text)), "not GLSL 1.20"


@pytest.mark.parametrize("path", [p for p in FILES if p.suffix != ".glsl"], ids=lambda path: path.name)
def test_programs_are_complete(path: Path) -> None:
    code = _code(load(path.name, path.parent))
    assert "#include" not in code
    assert code.count("void main()") == 1
    declared = re.findall(r"(?:uniform|attribute|varying)\s+\w+\s+(\w+)\s*;", code)
    assert len(declared) == len(set(declared)), "declared twice"
    unused = [name for name in declared if len(re.findall(rf"\b{name}\b", code)) < 2]
    assert not unused


def test_every_shared_file_is_included_somewhere() -> None:
    texts = "".join(path.read_text() for path in FILES)
    assert all(f'#include "{path.name}"' in texts for path in FILES if path.suffix == ".glsl")


def test_constants_come_first() -> None:
    assert load("heatmap.frag", CURVE=2).startswith("#define CURVE 2\n")


def test_a_file_shared_by_two_includes_appears_once(tmp_path: Path) -> None:
    _write(tmp_path, a='#include "b.glsl"\n#include "c.glsl"\nA', b='#include "c.glsl"\nB', c="C")
    assert load("a.glsl", tmp_path).split() == ["C", "B", "A"]


@pytest.mark.parametrize(
    ("include", "sentence"),
    [
        ('#include "gone.glsl"', "can't be read"),
        ('#include "a.glsl"', "includes itself: a.glsl → a.glsl"),
        ('#include "b.glsl"', "includes itself: a.glsl → b.glsl → a.glsl"),
        ('#include "../a.glsl"', "not a plain file name"),
        ('#include "sub/a.glsl"', "not a plain file name"),
        ('#include "sub\\a.glsl"', "not a plain file name"),
        ('#include "/etc/passwd"', "not a plain file name"),
        ('#include ".hidden"', "not a plain file name"),
        ('#include ""', "not a plain file name"),
        ("#include <b.glsl>", "not a quoted file name"),
        ('#include "folder.glsl"', "can't be read"),
        ('#include "link.glsl"', "a link out of its folder"),
        ('#include "binary.glsl"', "can't be read"),
    ],
)
def test_bad_includes_say_so(tmp_path: Path, include: str, sentence: str) -> None:
    root = tmp_path / "plugin"
    root.mkdir()
    _write(root, a=include, b='#include "a.glsl"')
    (root / "folder.glsl").mkdir()
    (tmp_path / "outside.glsl").write_text("secret")
    (root / "link.glsl").symlink_to(tmp_path / "outside.glsl")
    (root / "binary.glsl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(NnscopeError) as raised:
        load("a.glsl", root)
    assert sentence in str(raised.value)
    assert "secret" not in str(raised.value)


def test_the_first_name_is_checked_as_well(tmp_path: Path) -> None:
    with pytest.raises(NnscopeError, match="not a plain file name"):
        load("../shaders/tiles.vert", tmp_path)


def _write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.glsl").write_text(text)


def _code(text: str) -> str:
    return re.sub(r"//.*", "", text)
