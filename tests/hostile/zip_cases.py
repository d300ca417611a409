"""``.pt`` files whose zip archive is hostile or odd, and files that are something else."""

from __future__ import annotations

import zlib
from functools import partial

from tests.hostile import pickles as p
from tests.hostile.case import Case
from tests.hostile.torch_archive import FLOATS, GOOD, archive, good_dict
from tests.hostile.zips import Entry, build


def _with(name: str = "a/data/0", data: bytes = FLOATS, **entry: dict[str, object]) -> bytes:
    """A good archive but for one more member; ``local`` and ``central`` override fields of its two headers."""
    last = Entry(name, data, local=entry.get("local", {}), central=entry.get("central", {}))
    return build([Entry("a/data.pkl", p.whole(good_dict())), last, Entry("a/version", b"3")])


def _case(case_id: str, code: str, **entry: dict[str, object]) -> Case:
    return Case(case_id, partial(_with, **entry), ".pt", code)


def _both(**fields: object) -> dict[str, dict[str, object]]:
    return {"local": fields, "central": fields}


def _within() -> bytes:
    """A member that lies inside the data of another."""
    inner = build([Entry("a/data.pkl", p.whole(b"N"))])
    start = 30 + len("a/data/0")
    return build([Entry("a/data/0", inner), Entry("a/data.pkl", p.whole(b"N"), central={"offset": start})])


def _bomb() -> bytes:
    """262 KB that inflate to 268 MB, beside a good tensor."""
    body = p.dict_({"bomb": p.tensor("1", (67_000_000,)), "w": p.tensor("0", (2, 2))})
    flushed = zlib.compressobj(9, zlib.DEFLATED, -15)
    megabyte = flushed.compress(bytes(1_000_000)) + flushed.flush(zlib.Z_FULL_FLUSH)
    bomb = Entry("a/data/1", b"", deflate=True, stream=megabyte * 268 + b"\x03\x00", **_both(size=268_000_000))
    return build([Entry("a/data.pkl", p.whole(body)), Entry("a/data/0", FLOATS), bomb])


def _liar(claimed: int) -> bytes:
    """A deflated storage of 1024 bytes that claims another size."""
    body = p.dict_({"w": p.tensor("0", (claimed // 4,))})
    entry = Entry("a/data/0", FLOATS * 64, deflate=True, **_both(size=claimed))
    return build([Entry("a/data.pkl", p.whole(body)), entry])


def _deflated() -> bytes:
    """A good archive as ``zip`` would pack it anew."""
    return build([Entry("a/data.pkl", p.whole(good_dict()), deflate=True), Entry("a/data/0", FLOATS, deflate=True)])


MANY = p.whole(p.dict_({"w": p.tensor("7", (2, 2))}))


def _many(count: int) -> bytes:
    """Very many members: up to 65 535 need no large-file records."""
    return build([Entry("a/data.pkl", MANY), *(Entry(f"a/data/{i}", FLOATS) for i in range(count - 1))])


def _tar() -> bytes:
    header = bytearray(512)
    header[:7], header[257:263] = b"tensors", b"ustar\0"
    return bytes(header) + bytes(1024)


def _torchscript() -> bytes:
    module = p.name("__torch__", "Net") + b")\x81" + good_dict() + b"b"
    return archive(module, members={"constants.pkl": p.whole(b")"), "code/__torch__.py": b"raise SystemExit"})


def _alignment(value: bytes) -> bytes:
    return archive(good_dict(), members={".storage_alignment": value})


CASES: list[Case] = [
    _case("local-name-differs", "zip-mismatch", local={"name": "a/data/1"}),
    _case("local-size-differs", "zip-mismatch", local={"size": 12}),
    _case("local-packed-size-differs", "zip-mismatch", local={"packed": 12}),
    _case("local-crc-differs", "zip-mismatch", local={"crc": 1}),
    _case("local-method-differs", "zip-mismatch", local={"method": 8}),
    _case("local-encrypted", "zip-mismatch", local={"flags": 0x801}),
    _case("local-descriptor-flag", "zip-mismatch", local={"flags": 0x808, "crc": 0, "size": 0, "packed": 0}),
    _case("descriptor-missing", "zip-mismatch", **_both(flags=0x808)),
    _case("directory-encrypted", "encrypted", central={"flags": 0x801}),
    _case("both-encrypted", "encrypted", **_both(flags=0x801)),
    _case("stored-sizes-differ", "zip-mismatch", **_both(size=99)),
    _case("beyond-the-file", "bad-zip", central={"offset": 1 << 30}),
    _case("in-the-middle-of-nowhere", "zip-mismatch", central={"offset": 7}),
    _case("longer-than-the-file", "zip-mismatch", **_both(size=1 << 30, packed=1 << 30)),
    _case("same-offset-twice", "zip-mismatch", central={"offset": 0}),
    Case("unknown-method", partial(_with, **_both(method=12)), ".pt", tensors={"w": None}),
    Case("same-name-twice", partial(_with, name="a/data.pkl"), ".pt", "duplicate-name"),
    Case("two-pickles", partial(_with, name="b/data.pkl"), ".pt", "not-a-checkpoint"),
    Case("name-is-a-path", partial(_with, name="../../evil"), ".pt", tensors={"w": None}),
    Case("member-within-member", _within, ".pt", "overlap"),
    Case("bytes-before", lambda: b"PK\x03\x04" + archive(good_dict()), ".pt", "bad-zip"),
    Case("bytes-before-counted", lambda: build([Entry("a/data.pkl", b"N.")], prefix=b"PK\x03\x04"), ".pt", "bad-zip"),
    Case("bytes-after", lambda: archive(good_dict()) + b"x", ".pt", "trailing-bytes"),
    Case("count-too-large", lambda: build([Entry("a/data.pkl", b"N.")], count=9), ".pt", "bad-zip"),
    Case("directory-elsewhere", lambda: build([Entry("a/data.pkl", b"N.")], offset=3), ".pt", "bad-zip"),
    Case("large-file-record-missing", lambda: build([Entry("a/data.pkl", b"N.")], offset=0xFFFFFFFF), ".pt", "bad-zip"),
    Case("deflated-bomb", _bomb, ".pt", tensors={"bomb": None, "w": [1.0, 2.0, 3.0, 4.0]}),
    Case("deflated-claims-more", partial(_liar, 2048), ".pt"),
    Case("deflated-claims-less", partial(_liar, 512), ".pt"),
    Case("deflated", _deflated, ".pt", tensors=GOOD),
    *(Case(f"{n}-members", partial(_many, n), ".pt", tensors=GOOD) for n in (65_535, 65_536)),
    *(Case(f"alignment-{v.decode()}", partial(_alignment, v), ".pt", tensors=GOOD) for v in (b"0", b"-64", b"x")),
    Case("torchscript", _torchscript, ".pt", tensors=GOOD, refused=("__torch__.Net",)),
    Case("tar", _tar, ".pt", "tar"),
    Case("zip-without-pickle", lambda: build([Entry("readme.txt", b"hello")]), ".pt", "not-a-checkpoint"),
    Case("end-record-cut", lambda: build([])[:14], ".pt", "truncated"),
    Case("empty-zip", lambda: build([]), ".pt", "not-a-checkpoint"),
    Case("text", lambda: b"hello world\n" * 100, ".pt", "unknown-format"),
    *(
        Case(f"named{suffix}", lambda: archive(good_dict()), suffix, tensors=GOOD)
        for suffix in (".npy", ".npz", ".safetensors", ".json", ".xyz", "")
    ),
]
