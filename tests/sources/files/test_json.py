"""The step-by-step JSON scanner against Python's parser."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnscope.core.errors import FileError
from nnscope.sources.files import strict_json
from nnscope.sources.files.strict_json import SMALL_VALUE, JsonScanner

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
TEXT = st.text(st.characters(exclude_categories=("Cs",)))


def scanner(text: str | bytes) -> JsonScanner:
    return JsonScanner(text.encode() if isinstance(text, str) else text, "file", base=8)


@given(st.dictionaries(TEXT, TEXT), st.sampled_from((None, 2)), st.booleans())
def test_pairs_of_strings_as_python_reads_them(pairs: dict[str, str], indent: int | None, ascii_only: bool) -> None:
    scan = scanner(json.dumps(pairs, indent=indent, ensure_ascii=ascii_only))
    assert dict(scan.string_pairs()) == pairs
    scan.finish()


@given(VALUES, TEXT)
def test_a_small_value_as_python_reads_it(value: object, after: str) -> None:
    text = json.dumps({"key": value, "after": after}, ensure_ascii=True)
    scan = scanner(text)
    keys = scan.object_keys()
    assert next(keys) == "key"
    assert scan.small_value() == json.loads(text)["key"]
    assert next(keys) == "after"
    assert scan.string() == after
    assert next(keys, None) is None
    scan.finish()


BAD = {
    "no-object": "[]",
    "no-colon": '{"a" "b"}',
    "no-comma": '{"a":"b" "c":"d"}',
    "trailing-comma": '{"a":"b",}',
    "leading-comma": '{,"a":"b"}',
    "unended": '{"a":"b"',
    "number-as-value": '{"a":1}',
    "single-quotes": "{'a':'b'}",
    "bad-escape": r'{"a":"\x41"}',
    "half-surrogate": r'{"a":"\ud800"}',
    "newline-in-string": '{"a":"\n"}',
    "not-utf-8": b'{"a":"\xff"}',
    "after": '{"a":"b"}x',
    "nothing": "",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_json_is_refused_with_its_place(name: str) -> None:
    scan = scanner(BAD[name])
    with pytest.raises(FileError) as caught:
        _drain(scan)
    assert caught.value.code == "bad-header"
    assert caught.value.offset is not None
    assert 8 <= caught.value.offset <= 8 + len(BAD[name])


def _drain(scan: JsonScanner) -> None:
    dict(scan.string_pairs())
    scan.finish()


SMALL_BAD = {
    "twice": '{"a":1,"a":2}',
    "twice-inside": '[{"a":1,"a":2}]',
    "nan": "NaN",
    "infinity": "[-Infinity]",
    "deep": "[" * 30_000 + "]" * 30_000,
    "long": "[" + "1," * SMALL_VALUE + "1]",
    "mismatched": "[}",
    "empty": "",
    "word": "nul",
    "digits": "9" * 4500,
}


@pytest.mark.parametrize("name", SMALL_BAD)
def test_small_values_that_are_refused(name: str) -> None:
    with pytest.raises(FileError):
        scanner(SMALL_BAD[name]).small_value()


def test_more_pairs_than_any_file_needs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_PAIRS", 3)
    assert len(list(scanner('{"a":"","b":"","c":""}').string_pairs())) == 3
    with pytest.raises(FileError, match="more than 3"):
        list(scanner('{"a":"","b":"","c":"","d":""}').string_pairs())
