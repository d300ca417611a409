"""Two files or runs compared, against NumPy: differences, what can't be compared, one colour domain for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

import nnscope as package
from nnscope.core.errors import NnscopeError
from nnscope.engine.comparing import side_names
from nnscope.scene.shared_scale import together
from tests.store.runs.made import WEIGHT, record, write_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Result


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Two checkpoints, the second in half precision, with what can't be compared."""
    rng = np.random.default_rng(0)
    first = {"a.weight": rng.normal(size=(40, 30)).astype(np.float32), "shape": np.ones((3, 4), np.float32)}
    second = {"a.weight": (first["a.weight"] * 3).astype(np.float16), "shape": np.ones((4, 3), np.float32)}
    first["here"], second["there"] = np.ones(2, np.float32), np.ones(2, np.float32)
    for name, tensors in (("one", first), ("two", second)):
        (tmp_path / name).mkdir()
        save_file(tensors, tmp_path / name / "model.safetensors")
    return tmp_path / "one/model.safetensors", tmp_path / "two/model.safetensors", first, second


def test_checkpoints_are_compared_address_by_address(pair: tuple) -> None:
    one, two, first, second = pair
    with package.open(one) as a, package.open(two) as b:
        both = a.difference(b)
        right = first["a.weight"].astype(np.float64) - second["a.weight"]
        found = both["a.weight"]
        np.testing.assert_array_equal(found.read((slice(3, 30, 4), 5)), right[3:30:4, 5])
        assert found.stats().mean == pytest.approx(right.mean(), rel=1e-9)
        assert found.probe((7, 8)).value == right[7, 8]
        assert found.info.note == "one/model.safetensors − two/model.safetensors"
        assert {name: both[name].unreadable for name in both if name != "a.weight"} == {
            "shape": "Only tensors of one shape can be compared; it is 3 × 4 in one/model.safetensors and 4 × 3 in "
            "two/model.safetensors.",
            "here": "It is in one/model.safetensors alone.",
            "there": "It is in two/model.safetensors alone.",
        }
        part = a["a.weight[3]"].difference(b["a.weight[3]"])
        np.testing.assert_array_equal(part.read(), right[3])
        with pytest.raises(NnscopeError, match="one shape"):
            a["here"].difference(b["a.weight"])
        with pytest.raises(NnscopeError, match="Neither of the two is a recorded run"):
            both["a.weight@3"]


def test_runs_are_compared_at_steps(tmp_path: Path) -> None:
    write_run(tmp_path / "first", range(4))
    write_run(tmp_path / "second", range(2, 8))
    kept = [record(step).frames[WEIGHT].arrays["values"].astype(np.float64) for step in range(8)]
    save_file({WEIGHT.address: kept[0].astype(np.float32)}, tmp_path / "file.safetensors")
    opened = (package.open(tmp_path / name) for name in ("first", "second", "file.safetensors"))
    first, second, file = opened
    with first, second, file:
        both, name = first.difference(second), WEIGHT.address
        np.testing.assert_array_equal(both[name].read(), kept[3] - kept[7])
        np.testing.assert_array_equal(both[f"{name}@2"].read(), np.zeros((3, 4)))
        np.testing.assert_array_equal(both[f"{name}@1-6"].read(), kept[1] - kept[6])
        assert both[f"{name}@1-6"].info.note == "first at step 1 − second at step 6"
        with pytest.raises(NnscopeError, match=r"in second: It was not kept at step 1\. It was at step 2"):
            both[f"{name}@1"]
        against = second.difference(file)
        np.testing.assert_array_equal(against[f"{name}@5"].read(), kept[5] - kept[0])
        with pytest.raises(NnscopeError, match="Give one step"):
            against[f"{name}@5-0"]


def test_colours_of_both_are_those_of_all_their_values(pair: tuple) -> None:
    one, two, first, second = pair
    with package.open(one) as a, package.open(two) as b:
        stats = together(a["a.weight"].stats(), b["a.weight"].stats())
    values = np.concatenate([first["a.weight"].ravel(), second["a.weight"].astype(np.float32).ravel()])
    assert (stats.min, stats.max, stats.count) == (values.min(), values.max(), values.size)
    assert stats.variance == pytest.approx(values.astype(np.float64).var(), rel=1e-6)


@pytest.mark.gl
def test_commands_compare(nnscope: Callable[..., Result], pair: tuple, tmp_path: Path) -> None:
    one, two, first, second = pair
    right = first["a.weight"].astype(np.float64) - second["a.weight"]
    told = nnscope("info", one, "--compare", two, "--stats", "--json").document["tensors"]
    assert [entry["stats"] and entry["stats"]["abs_max"] for entry in told if entry["address"] == "a.weight"] == [
        np.abs(right).max()
    ]
    probed = nnscope("probe", one, "a.weight", "--at", "2,3", "--compare", two, "--json").document
    values = (probed["value"], *(side["value"] for side in probed["compared"]))
    assert values == (right[2, 3], first["a.weight"][2, 3], second["a.weight"][2, 3])
    out = tmp_path / "three.png"
    drawn = nnscope("render", one, "a.weight", "--compare", two, "-o", out, "--json").document["legend"]
    assert drawn["domain"] == pytest.approx([-np.abs(right).max(), np.abs(right).max()])
    refused = nnscope("render", one, "here", "--compare", two, "-o", tmp_path / "none.png")
    assert (refused.code, refused.err) == (1, "nnscope: here: It is in one/model.safetensors alone.\n")
    assert not (tmp_path / "none.png").exists()


@pytest.mark.gl
def test_a_picture_of_three_has_one_domain_and_the_difference_its_own(pair: tuple) -> None:
    one, two, *_ = pair
    with package.open(one) as a, package.open(two) as b:
        wide = a["a.weight"].compare(b["a.weight"], size=(1200, 400), scientific=True).rgba
        same = a["a.weight"].compare(a["a.weight"], size=(1200, 400), scientific=True).rgba
    places = [slice(50, 380), slice(450, 780), slice(850, 1180)]
    pictures = [wide[120:300, place] for place in places]
    assert not np.array_equal(pictures[0], pictures[1])
    assert len(np.unique(same[160:200, 980:1000].reshape(-1, 4), axis=0)) <= 2  # nothing changed: one colour
    brightness = [np.abs(p[..., 0].astype(int) - p[..., 2]).mean() for p in pictures[:2]]
    assert brightness[1] > 2 * brightness[0]  # three times the values, in the same colours


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ("/runs/a/model.pt", "/runs/b/model.pt", ("a/model.pt", "b/model.pt")),
        ("/x/one.pt", "/y/two.pt", ("one.pt", "two.pt")),
        ("model.pt", "/y/model.pt", ("model.pt", "y/model.pt")),
        ("same", "same", ("same", "same")),
    ],
    ids=["folders differ", "names differ", "one is shorter", "the same"],
)
def test_names_tell_the_two_apart(first: str, second: str, names: tuple[str, str]) -> None:
    assert side_names(first, second) == names
