"""The shipped demo models: really trained, measured again, and small."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from nnscope.core.plugins import find_model, loaded_plugins
from nnscope.sources.live.capture import capture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnscope.core.registry import ModelSpec

ROOT = Path(__file__).parents[2]
MODELS = {"digits-cnn": 0.97, "digits-vit": 0.95}

loaded_plugins()  # makes nnscope_plugins importable

from nnscope_plugins.digits import data, training  # noqa: E402
from nnscope_plugins.digits.adamw import AdamW  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=MODELS)
def spec(request: pytest.FixtureRequest) -> ModelSpec:
    return find_model(request.param)


def metadata(spec: ModelSpec) -> dict[str, str]:
    assert spec.weights is not None
    with safe_open(spec.weights, "np") as file:
        return dict(file.metadata())


def test_the_data_are_those_of_scikit_learn() -> None:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    _, held_out = train_test_split(np.arange(1797), test_size=360, random_state=0, stratify=digits.target)
    with np.load(data.DATA) as file:
        np.testing.assert_array_equal(file["images"], digits.images)
        np.testing.assert_array_equal(file["digits"], digits.target)
        np.testing.assert_array_equal(file["held_out"], np.sort(held_out))


def test_nothing_held_out_is_trained_on() -> None:
    train, held_out = data.training_part(), data.held_out_part()
    assert (len(train.images), len(held_out.images)) == (1437, 360)
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in held_out.images}
    assert train.images.min() == -1
    assert train.images.max() == 1
    assert train.images.shape[1:] == (1, 8, 8)


def test_the_accuracy_in_the_metadata_is_measured_again(spec: ModelSpec) -> None:
    told = metadata(spec)
    assert training.accuracy(spec.factory()) == float(told["accuracy"]) >= MODELS[spec.name]
    assert told["split"] == data.SPLIT
    assert told["seed"] == "0"
    assert (ROOT / told["script"]).is_file()


def test_the_files_are_small_and_name_the_parameters(spec: ModelSpec) -> None:
    assert spec.weights is not None
    assert spec.weights.stat().st_size <= 1_000_000
    with safe_open(spec.weights, "np") as file:
        assert set(file.keys()) == set(spec.factory().state_dict())
    assert (ROOT / "assets/models/digits.npz").stat().st_size <= 120_000


def test_samples_are_held_out_images(spec: ModelSpec) -> None:
    assert spec.samples is not None
    samples = spec.samples()
    held_out = {image.tobytes() for image in data.held_out_part().images}
    assert len(samples.labels) == 50
    assert [label[0] for label in samples.labels[:10]] == list("0123456789")
    model = spec.factory()
    right = 0
    for i, label in enumerate(samples.labels):
        (image,) = samples.load(i)
        assert image.shape == (1, 1, 8, 8)
        assert image.numpy().tobytes() in held_out
        right += spec.classes[int(model(image).argmax())] == label[0]
    assert right >= 47


def test_attention_is_really_computed() -> None:
    spec = find_model("digits-vit")
    assert spec.samples is not None
    model = spec.factory()
    with capture(model, "blocks.*.attention.softmax", "output") as cap:
        model(*spec.samples().load(4))
    assert list(cap) == [f"blocks.{i}.attention.softmax:output" for i in range(4)]
    for reader in cap.values():
        assert reader.info.shape == (1, 4, 17, 17)  # heads, queries, keys
        rows = reader.read(((0, 1, 1), (0, 4, 1), (0, 17, 1), (0, 17, 1))).sum(-1)
        np.testing.assert_allclose(rows, 1, rtol=1e-5)


def test_adamw_is_that_of_torch() -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 3), nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    mine = AdamW(ours, 0.1)
    reference = torch.optim.AdamW(theirs.parameters(), weight_decay=0.1)
    for step in range(20):
        x = torch.randn(8, 5)
        for model in (ours, theirs):
            model.zero_grad()
            model(x).square().sum().backward()
        reference.param_groups[0]["lr"] = 0.01 * (step + 1)
        reference.step()
        mine.step(0.01 * (step + 1))
    for mine_, theirs_ in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine_, theirs_, rtol=1e-5, atol=1e-6)


def test_the_learning_rate_rises_and_falls() -> None:
    recipe = training.Recipe(rate=2.0)
    rates = [recipe.rate_at(x) for x in np.linspace(0, 1, 101)]
    assert rates[0] == 0
    assert max(rates) == rates[10] == 2.0
    assert rates[-1] == pytest.approx(0)
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_training_from_scratch_is_repeatable_and_learns() -> None:
    def run(seed: int) -> tuple[list[dict[str, Any]], dict[str, torch.Tensor]]:
        model = find_model("digits-cnn").factory()
        random = torch.get_rng_state()
        steps = training.train(model, seed)
        told = [next(steps) for _ in range(45)]
        assert torch.equal(torch.get_rng_state(), random)
        return told, model.state_dict()

    told, weights = run(3)
    again, same = run(3)
    assert told == again
    assert all(torch.equal(weights[name], same[name]) for name in weights)
    losses = [status["loss"] for status in told]
    assert np.mean(losses[:3]) > 2.0  # from scratch: the loss of guessing
    assert np.mean(losses[-3:]) < 0.75 * np.mean(losses[:3])
    assert told[0].keys() == {"step", "epoch", "loss"}
    assert told[-1]["epoch"] == 3
    assert 0 < told[-1]["accuracy"] <= 1


def test_shifts_move_by_one_pixel_at_most() -> None:
    image = torch.full((200, 1, 8, 8), -1.0)
    image[:, 0, 4, 4] = 1
    moved = training._shifted(image, torch.Generator().manual_seed(0))
    places = {tuple(int(x) for x in torch.nonzero(one[0] == 1)[0]) for one in moved}
    assert places == {(4 + i, 4 + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}


def test_the_script_that_made_them_is_the_one_in_the_tree() -> None:
    location = importlib.util.spec_from_file_location("train_digits", ROOT / "packaging" / "train_digits.py")
    assert location is not None
    assert location.loader is not None
    script = importlib.util.module_from_spec(location)
    location.loader.exec_module(script)
    assert script.SEED == 0
