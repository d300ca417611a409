"""``nnscope info``: the listing, its statistics, and what is said beside it."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.cli.info_compression import compression_cells
from nnscope.fields.compression import CompressionRow, CompressionTable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = (
    "a\x1b[2Jb",
    "[bold red]x[/bold red]",
    "[/]",
    "<img src=x>",
    "\u202egnp.exe",
    "tab\there",
    "new\nline",
    ":smile:",
)


def _safetensors(path: Path, names: list[str]) -> Path:
    tensors = {name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]} for i, name in enumerate(names)}
    header = json.dumps(tensors).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4 * len(names))
    return path


def test_document(nnscope: Callable, npz: Path, weights: dict[str, np.ndarray]) -> None:
    result = nnscope("info", npz, "--json")
    document = result.document
    assert (result.code, result.err) == (0, "")
    assert list(document) == ["path", "format", "parameters", "bytes", "warnings", "tensors"]
    assert document["format"] == "npz"
    assert document["parameters"] == sum(array.size for array in weights.values())
    assert document["bytes"] == npz.stat().st_size
    assert document["tensors"] == [
        {"address": name, "shape": list(a.shape), "dtype": str(a.dtype), "bytes": a.nbytes, "kind": "array"}
        for name, a in weights.items()
    ]


def test_statistics(nnscope: Callable, npz: Path, weights: dict[str, np.ndarray]) -> None:
    tensors = {t["address"]: t["stats"] for t in nnscope("info", npz, "--json", "--stats").document["tensors"]}
    for name, array in weights.items():
        values = array.astype(np.float64)
        finite = values[np.isfinite(values)]
        stats = tensors[name]
        assert stats["count"] == values.size
        assert stats["finite"] == finite.size
        assert stats["nan"] == np.isnan(values).sum()
        assert stats["posinf"] == (values == np.inf).sum()
        assert stats["neginf"] == (values == -np.inf).sum()
        assert stats["zeros"] == (finite == 0).sum()
        expected = [finite.min(), finite.max(), finite.mean(), finite.std(), np.abs(finite).max()]
        found = [stats[key] for key in ("min", "max", "mean", "std", "abs_max")]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        assert len(stats) == 11


def test_statistics_without_a_finite_value_are_words(nnscope: Callable, tmp_path: Path) -> None:
    np.save(tmp_path / "nothing.npy", np.full((2, 2), np.nan, np.float32))
    (tensor,) = nnscope("info", tmp_path / "nothing.npy", "--stats", "--json").document["tensors"]
    assert (tensor["stats"]["mean"], tensor["stats"]["max"], tensor["stats"]["nan"]) == ("nan", "nan", 4)


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("*", ["conv1.weight", "conv1.bias", "head.odd", "head.steps"]),
        ("conv1", ["conv1.weight", "conv1.bias"]),
        ("*.weight", ["conv1.weight"]),
        ("h*", ["head.odd", "head.steps"]),
        ("con", []),
        ("CONV1", []),
    ],
)
def test_layers(nnscope: Callable, npz: Path, layer: str, names: list[str]) -> None:
    result = nnscope("info", npz, "--layer", layer, "--json")
    document = result.document
    assert [tensor["address"] for tensor in document["tensors"]] == names
    assert document["parameters"] == 600 + 8 + 20 + 1
    assert result.code == 0
    assert bool(result.err) == (not names)


def test_table_in_a_pipe(nnscope: Callable, npz: Path) -> None:
    lines = nnscope("info", npz).out.splitlines()
    assert lines[0].split() == ["address", "shape", "dtype", "bytes", "kind"]
    assert lines[1].split("  ")[0] == "conv1.weight"
    assert "8 × 3 × 5 × 5" in lines[1]
    assert lines[-1].startswith("4 tensors, 629 parameters, ")


def test_table_with_statistics(nnscope: Callable, npz: Path) -> None:
    bias = next(line for line in nnscope("info", npz, "--stats").out.splitlines() if line.startswith("conv1.bias"))
    assert bias.split()[-8:] == ["0", "7", "3.5", "2.291", "1", "0", "0", "0"]


def test_a_pipe_gets_long_names_whole(nnscope: Callable, tmp_path: Path) -> None:
    name = "layer." * 500 + "weight"
    assert name in nnscope("info", _safetensors(tmp_path / "a.safetensors", [name, "b"])).out


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_names_are_plain_text(
    nnscope: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    result = nnscope("info", _safetensors(tmp_path / "a.safetensors", list(HOSTILE)))
    assert result.code == 0
    assert "\x1b[2J" not in result.out
    assert not set("\u202e\t") & set(result.out)
    for shown in ("a\\x1b[2Jb", "[bold red]x[/bold red]", "[/]", "<img src=x>", "\\u202egnp.exe", ":smile:"):
        assert shown in result.out


def test_a_terminal_folds_long_names_and_cuts_nothing(
    nnscope: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    name = "".join(f"block{i}." for i in range(20)) + "weight"
    out = nnscope("info", _safetensors(tmp_path / "a.safetensors", [name])).out
    column = "".join(line[: line.find("  ")] if "  " in line else line for line in out.splitlines()[2:-1])
    assert "block19.weight" in column
    assert "…" not in out


def test_json_is_ascii_whatever_the_names(nnscope: Callable, tmp_path: Path) -> None:
    result = nnscope("info", _safetensors(tmp_path / "a.safetensors", list(HOSTILE)), "--json")
    assert result.out.isascii()
    assert "\x1b" not in result.out
    assert [tensor["address"] for tensor in result.document["tensors"]] == list(HOSTILE)


def test_a_cut_file_is_one_sentence(nnscope: Callable, tmp_path: Path) -> None:
    path = _safetensors(tmp_path / "a.safetensors", ["a", "b"])
    path.write_bytes(path.read_bytes()[:20])
    result = nnscope("info", path, "--json")
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith("nnscope: ")
    assert result.err.count("\n") == 1
    assert "a.safetensors" in result.err


def test_many_tensors_are_listed_without_delay(nnscope: Callable, tmp_path: Path) -> None:
    path = _safetensors(tmp_path / "many.safetensors", [f"layers.{i}.weight" for i in range(20_000)])
    assert len(nnscope("info", path).out.splitlines()) == 20_002


def test_what_a_file_wanted_to_run_is_said_and_not_run(nnscope: Callable, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple:
            return os.mkdir, (str(tmp_path / "ran"),)

    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps({"bomb": Bomb()}, protocol=2))
        archive.writestr("bomb/version", "3")
    result = nnscope("info", path, "--json")
    assert (result.code, result.document["tensors"]) == (0, [])
    assert "Refused, never run: posix.mkdir" in result.err
    assert not (tmp_path / "ran").exists()


def test_spectra(nnscope: Callable, npz: Path, weights: dict[str, np.ndarray]) -> None:
    result = nnscope("info", npz, "--json", "--stats", "--spectrum")
    tensors = {tensor["address"]: tensor for tensor in result.document["tensors"]}
    assert tensors["conv1.bias"]["spectrum"] is None
    assert tensors["head.steps"]["spectrum"] is None
    found = tensors["conv1.weight"]["spectrum"]
    sigma = np.linalg.svd(weights["conv1.weight"].reshape(8, -1).astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(found["sigma"], sigma, rtol=1e-6)
    assert found["spectral_norm"] == found["sigma"][0]
    assert found["frobenius"] == pytest.approx(np.linalg.norm(sigma))
    assert found["stable_rank"] == pytest.approx((np.linalg.norm(sigma) / sigma[0]) ** 2)
    share = sigma**2 / (sigma**2).sum()
    assert found["effective_rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    assert found["alpha"] == "nan"
    assert "too short" in found["warning"]
    assert "3 values that are no finite number" in tensors["head.odd"]["spectrum"]["warning"]
    assert len(tensors["conv1.bias"]["stats"]) == 11


def test_an_exponent(nnscope: Callable, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    u, v = (np.linalg.qr(rng.normal(size=(n, 300)))[0] for n in (400, 300))
    eigenvalues = (1 - rng.random(300)) ** (-1 / 1.5)
    np.save(tmp_path / "heavy.npy", ((u * np.sqrt(eigenvalues)) @ v.T).astype(np.float32))
    result = nnscope("info", tmp_path / "heavy.npy", "--json", "--spectrum")
    (tensor,) = result.document["tensors"]
    found = tensor["spectrum"]
    assert "stats" not in tensor
    assert found["alpha"] == pytest.approx(2.5, abs=4.5 / found["alpha_n"] ** 0.5)
    assert found["alpha_n"] > 50
    assert 0 < found["alpha_ks"] < 0.1
    assert (found["warning"], result.err) == ("", "")
    assert len(found["sigma"]) == 16


def test_table_with_spectra(nnscope: Callable, npz: Path) -> None:
    result = nnscope("info", npz, "--spectrum")
    head, kernel, bias, *_ = result.out.splitlines()
    assert head.split()[-9:] == ["stable", "rank", "effective", "rank", "alpha", "alpha", "ks", "alpha", "n"]
    assert bias.split()[-1] == "array"
    assert 0 < float(kernel.split()[-4]) <= 8  # effective rank, then no exponent, its distance and its tail
    assert "conv1.weight: the tail is too short" in result.err


def test_codes_at_equal_bytes(nnscope: Callable, tmp_path: Path) -> None:
    y, x = np.mgrid[:24, :30]
    smooth = np.exp(-((x - y - 4) ** 2) / 30 - (y + x - 28) ** 2 / 200).astype(np.float32)
    holes = np.where(smooth > 0.5, np.nan, smooth)
    np.savez(tmp_path / "some.npz", smooth=smooth, holes=holes, vector=smooth[0], kernel=smooth.reshape(4, 5, 6, 6))
    result = nnscope("info", tmp_path / "some.npz", "--json", "--compression")
    found = {entry["address"]: entry["compression"] for entry in result.document["tensors"]}
    assert (found["vector"], found["holes"]) == (None, None)
    assert [row["name"] for row in found["smooth"]["codes"]][:2] == ["field", "octree"]
    assert all(row["bytes"] <= found["smooth"]["bytes"] == smooth.nbytes // 8 for row in found["smooth"]["codes"])
    assert found["smooth"]["best"] == "field"
    assert found["smooth"]["gain"] > 20
    assert len(found["kernel"]["codes"]) == 6
    table = CompressionTable((CompressionRow("field", 9, 3.0, 2.0), CompressionRow("4-bit", 9, 5.0, 4.0)), 9, 72, 0.5)
    assert compression_cells(table) == ("0.5", "3.0", "2.0", "4-bit", "4.0")


def test_a_spectrum_can_be_interrupted(nnscope: Callable, npz: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(values: np.ndarray) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("nnscope.compute.spectra.singular_values.fit_power_law", interrupt)
    result = nnscope("info", npz, "--spectrum")
    assert result.code == 130
    assert result.out == ""
