"""All that a file's groups hold, one link at a time: nothing is opened that a link of another kind leads to.

A member path such as ``a/b`` may pass through a soft or external link at any of its components, and the library would
follow it without a word. So groups are entered from one to the next, each link is asked what it is before what it leads
to is opened, and objects are known by their address in the file: a group that contains itself is entered once, and a
dataset with several names is listed once, with aliases.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h5py

from nnscope.core.text import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_MEMBERS = 20_000  # listed in some 4 s of processor time
MAX_DEPTH = 256


@dataclass(slots=True)
class Member:
    """A dataset, or a link that is not followed.

    Attributes
    ----------
    path : bytes
        Names of the links that lead to it, joined by ``/``; no link on the way is anything but a hard one.
    facts : object
        What ``describe`` said of a dataset; None for a link.
    refusal : str
        Why a link is not followed.
    target : bytes
        Where a soft link leads, as a path from the root.
    aliases : list of bytes
        Other paths of the same dataset.
    """

    path: bytes
    facts: Any = None
    refusal: str = ""
    target: bytes = b""
    aliases: list[bytes] = field(default_factory=list)


def members_of(file: h5py.File, describe: Callable[[Any], Any]) -> tuple[list[Member], tuple[str, ...]]:
    """The datasets and unfollowed links of a file, in the order of their names, those of a group before its groups'.

    Parameters
    ----------
    file : h5py.File
    describe : callable
        Called with each dataset's low-level object while it is open.

    Returns
    -------
    members : list of Member
    warnings : tuple of str
        What is not listed: more than `MAX_MEMBERS`, groups deeper than `MAX_DEPTH`.
    """
    walk = _Walk(describe)
    walk.enter(file.id)
    return walk.finish(), tuple(walk.warnings)


class _Walk:
    def __init__(self, describe: Callable[[Any], Any]) -> None:
        self.warnings: dict[str, None] = {}
        self._describe = describe
        self._found: list[Member] = []
        self._datasets: dict[int, Member] = {}
        self._groups: set[int] = set()
        self._links = 0

    def enter(self, file: Any) -> None:
        """List the root group and those in it, depth first; a stack, because files may be deeper than Python's own."""
        root = h5py.h5g.open(file, b"/")
        self._groups.add(h5py.h5o.get_info(root).addr)
        pending: list[tuple[Any, bytes, int]] = [(root, b"", 0)]
        while pending:
            pending.extend(reversed(list(self._members(*pending.pop()))))

    def finish(self) -> list[Member]:
        """Soft links to a dataset that is listed anyway are its aliases."""
        by_path = {path: m for m in self._datasets.values() for path in (m.path, *m.aliases)}
        kept = []
        for member in self._found:
            dataset = by_path.get(member.target) if member.target else None
            if dataset is None:
                kept.append(member)
            else:
                dataset.aliases.append(member.path)
        return kept

    def _members(self, group: Any, prefix: bytes, depth: int) -> Iterator[tuple[Any, bytes, int]]:
        """Note what a group's links lead to; yields the groups to enter."""
        for name in list(group):
            self._links += 1
            if self._links > MAX_MEMBERS:
                self.warnings[f"It holds more than {MAX_MEMBERS} members; the others are not listed."] = None
                return
            path = prefix + b"/" + name if prefix else name
            link = group.links.get_info(name)
            if link.type == h5py.h5l.TYPE_HARD:
                inner = self._object(group, name, path, link.u)
                if inner is not None and depth == MAX_DEPTH:
                    self.warnings[f"Groups deeper than {MAX_DEPTH} levels are not listed."] = None
                elif inner is not None:
                    yield inner, path, depth + 1
            else:
                self._found.append(_refused(group, name, path, prefix, link.type))

    def _object(self, group: Any, name: bytes, path: bytes, address: int) -> Any | None:
        """Note what a hard link leads to; a group that is new is returned."""
        if address in self._datasets:
            self._datasets[address].aliases.append(path)
            return None
        if address in self._groups:
            return None
        opened = h5py.h5o.open(group, name)
        if isinstance(opened, h5py.h5g.GroupID):
            self._groups.add(address)
            return opened
        if isinstance(opened, h5py.h5d.DatasetID):
            member = self._datasets[address] = Member(path, self._describe(opened))
            self._found.append(member)
        return None


def _refused(group: Any, name: bytes, path: bytes, prefix: bytes, kind: int) -> Member:
    if kind == h5py.h5l.TYPE_SOFT:
        target = bytes(group.links.get_val(name))
        absolute = target.lstrip(b"/") if target.startswith(b"/") else b"/".join(filter(None, (prefix, target)))
        return Member(path, None, f"It is a link to {_shown(target)}, which is not followed.", absolute)
    if kind == h5py.h5l.TYPE_EXTERNAL:
        file, _ = group.links.get_val(name)
        return Member(path, None, f"It is a link into another file ({_shown(file)}), which is not followed.")
    return Member(path, None, "It is a link of an unknown kind, which is not followed.")


def _shown(name: bytes | str) -> str:
    return plain(name.decode(errors="replace") if isinstance(name, bytes) else name, 100)
