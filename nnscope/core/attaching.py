"""Addresses of trainings that can be attached to: ``nnscope://127.0.0.1:40123/?token=…``.

The host is one of the names of this machine, because a training listens on its own machine only. From another one its
port is forwarded (``ssh -L 40123:127.0.0.1:40123 HOST``), and the address stays as it is.
"""

from __future__ import annotations

import re

from nnscope.core.errors import NnscopeError
from nnscope.core.text import plain

SCHEME = "nnscope://"
HOST = "127.0.0.1"
_LOCAL = (HOST, "localhost")
_BARE = re.compile(r"(127\.0\.0\.1|localhost):\d{1,5}(/.*)?", re.ASCII)  # what is forgotten of it
_ADDRESS = re.compile(r"nnscope://([a-z0-9.]+):(\d{1,5})/?\?token=([0-9a-f]{64})", re.ASCII)


def is_address(path: str) -> bool:
    """Whether ``path`` is meant as the address of a training, whole or not."""
    return path.startswith(SCHEME) or _BARE.fullmatch(path) is not None


def address_of(port: int, token: str) -> str:
    """The address of a training that listens on ``port``."""
    return f"{SCHEME}{HOST}:{port}/?token={token}"


def without_token(address: str) -> str:
    """The address as it may be shown and written down; `attach` needs the whole of it."""
    return address.partition("?")[0].rstrip("/")


def parse_address(address: str) -> tuple[int, str]:
    """Port and token of an address.

    Raises
    ------
    NnscopeError
        If it is none.
    """
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        what = "This is no address of a training."
        remedy = f"Copy all of what `nnscope.watch` printed: {SCHEME}{HOST}:PORT/?token=…"
        raise NnscopeError(what, plain(without_token(address), 96), remedy)
    host, port, token = found[1], int(found[2]), found[3]
    if host not in _LOCAL:
        what = "A training is attached to on its own machine only."
        remedy = f"Forward its port: ssh -L {port}:{HOST}:{port} {host}; then attach to {HOST}:{port}."
        raise NnscopeError(what, plain(without_token(address), 96), remedy)
    if not 0 < port < 1 << 16:
        raise NnscopeError("There is no such port.", str(port))
    return port, token
