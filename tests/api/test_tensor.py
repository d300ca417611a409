"""The Python interface over files: what it gives is what NumPy gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nnscope
from nnscope.engine import asking
from nnscope.tensor import Tensor

ROOT = Path(__file__).parents[2]
SHAPE = (6, 4, 5, 3)


@pytest.fixture(scope="module")
def array() -> np.ndarray:
    return np.random.default_rng(5).normal(size=SHAPE).astype(np.float32)


@pytest.fixture(scope="module")
def path(array: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("api") / "model.npz"
    odd = np.array([np.nan, np.inf, -np.inf, 1, 0], np.float16)
    np.savez(path, **{"block.0.weight": array, "block.0.bias": np.arange(3), "odd": odd, "a[1]": np.zeros(2)})
    return path


@pytest.fixture
def source(path: Path):
    with nnscope.open(path) as source:
        yield source


def test_mapping(source, array: np.ndarray) -> None:
    assert list(source) == ["block.0.weight", "block.0.bias", "odd", "a[1]"]
    assert len(source) == 4
    assert source.parameters == array.size + 3 + 5 + 2
    assert "odd" in source
    assert "block.0.weight[3]" in source
    for absent in ("nothing", "odd[7]", "odd[x]", "odd@3", 3):
        assert absent not in source
    assert source.get("nothing") is None
    assert [t.address for t in source.matching("block.0")] == ["block.0.weight", "block.0.bias"]
    assert [t.address for t in source.values()] == list(source)


def test_description(source) -> None:
    tensor = source["block.0.weight"]
    assert (tensor.shape, tensor.ndim, tensor.size, tensor.dtype) == (SHAPE, 4, 360, "float32")
    assert (tensor.nbytes, tensor.kind, tensor.address, tensor.axes) == (1440, "array", "block.0.weight", ())
    part = source["block.0.weight[2, :, 1:3]"]
    assert (part.shape, part.nbytes, part.address) == ((4, 2, 3), 96, "block.0.weight[2, :, 1:3]")


def test_a_name_that_exists_as_it_stands_wins(source) -> None:
    assert source["a[1]"].shape == (2,)
    assert source["a[1][0]"].shape == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_reading_is_indexing(source, array: np.ndarray, data: st.DataObject) -> None:
    item = data.draw(hnp.basic_indices(SHAPE, allow_newaxis=False))
    found = source["block.0.weight"][item]
    np.testing.assert_array_equal(found, array[item])
    assert found.dtype == array.dtype


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_reading_in_pieces_is_reading(source, array: np.ndarray, data: st.DataObject) -> None:
    item = data.draw(hnp.basic_indices(SHAPE, allow_newaxis=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "PIECE", data.draw(st.integers(1, 50)))
        np.testing.assert_array_equal(source["block.0.weight"].read(item), array[item])


def test_as_an_array(source, array: np.ndarray) -> None:
    tensor = source["block.0.weight"]
    np.testing.assert_array_equal(np.asarray(tensor), array)
    assert np.asarray(tensor, np.float64).dtype == np.float64
    np.testing.assert_array_equal(list(tensor), list(array))
    assert len(tensor) == 6
    with pytest.raises(ValueError, match="copy"):
        np.asarray(tensor, copy=False)
    with pytest.raises(TypeError):
        len(source["odd[0]"])
    assert source["odd[3]"].read() == 1


@pytest.mark.parametrize("index", ["", "[2]", "[:, 1:3, ::2]", "[..., 0]".replace("...", ":, :, :"), "[1, 2, 3, 0]"])
def test_statistics_are_those_of_the_part(source, array: np.ndarray, index: str) -> None:
    values = eval(f"array{index}").astype(np.float64) if index else array.astype(np.float64)
    stats = source[f"block.0.weight{index}"].stats()
    assert (stats.count, stats.finite, stats.zeros) == (values.size, values.size, 0)
    found = (stats.mean, stats.std, stats.min, stats.max)
    np.testing.assert_allclose(found, (values.mean(), values.std(), values.min(), values.max()), rtol=1e-9, atol=1e-12)


def test_statistics_of_odd_values(source) -> None:
    stats = source["odd"].stats()
    assert (stats.count, stats.finite, stats.nan, stats.posinf, stats.neginf, stats.zeros) == (5, 2, 1, 1, 1, 1)


@pytest.mark.parametrize("index", ["", "[:, 1]", "[2, :, 1:3]"])
def test_singular_values(source, array: np.ndarray, index: str) -> None:
    values = eval(f"array{index}") if index else array
    expected = np.linalg.svd(values.reshape(len(values), -1).astype(np.float64), compute_uv=False)[:3]
    spectrum = source[f"block.0.weight{index}"].singular_values(k=3)
    np.testing.assert_allclose(spectrum.sigma[:3], expected, rtol=1e-5)


def test_singular_values_need_a_matrix(source) -> None:
    with pytest.raises(nnscope.NnscopeError, match="two axes"):
        source["odd"].singular_values()


def test_probe(source, array: np.ndarray) -> None:
    answer = source["block.0.weight[2]"].probe((1, -1, 0))
    assert (answer.index, answer.value) == ((2, 1, 4, 0), array[2, 1, 4, 0].item())
    assert answer.zscore == pytest.approx((array[2, 1, 4, 0] - array.mean()) / array.std(), rel=1e-4)


@pytest.mark.parametrize(
    ("address", "error", "words"),
    [
        ("block.0.wieght", KeyError, "Did you mean block.0.weight"),
        ("BIAS", KeyError, "Did you mean block.0.bias"),
        ("zzz", KeyError, "`nnscope info` lists the names."),
        ("odd[9]", IndexError, "outside axis 0 of size 5"),
        ("odd[0, 0]", IndexError, "2 entries for 1 axes"),
        ("odd[a]", nnscope.NnscopeError, "not understood"),
        ("odd@1", nnscope.NnscopeError, "recorded run"),
        ("\x1b[2Jx", KeyError, r"\\x1b\[2Jx: There is no tensor"),
    ],
)
def test_what_is_not_there_says_so(source, address: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        source[address]
    assert isinstance(caught.value, nnscope.NnscopeError)


def test_closed_sources_do_not_read(path: Path) -> None:
    source = nnscope.open(path)
    tensor = source["odd"]
    source.close()
    source.close()
    with pytest.raises(nnscope.NnscopeError, match="closed"):
        tensor.read()


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(nnscope.FileError, match=r"missing\.npy"):
        nnscope.open(tmp_path / "missing.npy")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01")
    with pytest.raises(nnscope.FileError, match=r"cut\.npy"):
        nnscope.open(str(tmp_path / "cut.npy"))


def test_names_in_words_and_html_are_plain(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>\x1b[2J\u202e&"
    np.savez(tmp_path / "hostile.npz", **{name: np.zeros(())})
    with nnscope.open(tmp_path / "hostile.npz") as source:
        (tensor,) = source.values()
        for text in (repr(source), repr(tensor)):
            assert "\x1b" not in text
            assert "\u202e" not in text
        for markup in (source._repr_html_(), tensor._repr_html_()):
            assert "<img src=x" not in markup
            assert "&lt;img src=x onerror=alert(1)&gt;\\x1b[2J\\u202e&amp;" in markup


def test_long_collections_are_elided_in_a_notebook(tmp_path: Path) -> None:
    np.savez(tmp_path / "many.npz", **{f"w{i}": np.zeros(1) for i in range(60)})
    with nnscope.open(tmp_path / "many.npz") as source:
        assert source._repr_html_().count("<tr>") == 51
        assert "and 10 more" in source._repr_html_()


def test_the_interface_is_what_it_says() -> None:
    assert set(nnscope.__all__) <= set(dir(nnscope))
    assert all(getattr(nnscope, name) is not None for name in nnscope.__all__)
    assert issubclass(nnscope.FileError, nnscope.NnscopeError)
    assert isinstance(nnscope.__version__, str)
    with pytest.raises(AttributeError, match="nothing"):
        _ = nnscope.nothing
    assert Tensor.__module__ == "nnscope.tensor"


def test_importing_costs_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import nnscope; dir(nnscope);"
        "print(sorted(m for m in set(sys.modules) - before if m.partition('.')[0] not in sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "['nnscope']\n", done.stderr
