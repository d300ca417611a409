"""Jacobians of a model at work, asked for as any other analysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnscope.core.answer import Analysis
from nnscope.core.errors import Failure
from nnscope.core.request import Analyse, Control
from nnscope.engine.live import LiveEngine
from nnscope.sources.live.session import Material, Session
from nnscope.sources.live.source import LiveSource

if TYPE_CHECKING:
    from collections.abc import Iterator


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.head = nn.BatchNorm1d(5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(self.head(self.norm(x)))


def load(index: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (torch.linspace(-1, 1, 5)[None] * index,), {}


@pytest.fixture
def model() -> Net:
    torch.manual_seed(0)
    return Net().train()


@pytest.fixture
def engine(model: Net) -> Iterator[LiveEngine]:
    source = LiveSource(model, "net")
    made = LiveEngine(source)
    session = Session(model, source, Material(("0", "1"), load), made.notices.emit)
    session.run_sample()
    made.obey(session)
    yield made
    made.close()


def ask(engine: LiveEngine, address: str, method: str) -> Analysis:
    answer = engine.submit(Analyse(address, method)).answer(20)
    assert isinstance(answer, Analysis), str(answer)
    return answer


def test_a_linear_layer_is_its_weight(engine: LiveEngine, model: Net) -> None:
    weight = model.head.weight.detach().numpy().astype(np.float64)
    found = ask(engine, "head:output", "sensitivity")
    np.testing.assert_allclose(found.arrays["per_input"].reshape(5), (weight**2).sum(0), rtol=1e-5)
    facts = dict(found.facts)
    assert facts["exact"] is True
    assert facts["squared_norm"] == pytest.approx((weight**2).sum(), rel=1e-5)
    top = ask(engine, "head:output", "jacobian-top")
    assert dict(top.facts)["sigma"] == pytest.approx(np.linalg.norm(weight, 2), rel=1e-4)


def test_the_model_is_derived_at_the_chosen_sample(engine: LiveEngine, model: Net) -> None:
    before = ask(engine, "(model):output", "sensitivity")
    engine.submit(Control("sample", (("index", 1),))).answer(20)
    after = ask(engine, "(model):output", "sensitivity")
    x = load(1)[0][0]
    jacobian = torch.autograd.functional.jacobian(model.eval(), x).reshape(3, 5).numpy()
    model.train()
    np.testing.assert_allclose(after.arrays["per_input"].reshape(5), (jacobian**2).sum(0), rtol=1e-4)
    assert not np.allclose(before.arrays["per_input"], after.arrays["per_input"])


def test_the_model_is_as_before(engine: LiveEngine, model: Net) -> None:
    state = {name: value.clone() for name, value in model.state_dict().items()}
    seed = torch.random.get_rng_state()
    ask(engine, "head:output", "sensitivity")
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.random.get_rng_state(), seed)


@pytest.mark.parametrize("address", ["head.weight", "head:input"])
def test_what_is_no_output_is_refused(engine: LiveEngine, address: str) -> None:
    answer = engine.submit(Analyse(address, "sensitivity")).answer(20)
    assert isinstance(answer, Failure)
    assert "output" in str(answer)


def test_captured_values_alone_can_not_be_derived(model: Net) -> None:
    import nnscope
    from nnscope.core.errors import NnscopeError

    with nnscope.capture(model) as captured:
        model(torch.ones(2, 5))
    with pytest.raises(NnscopeError, match="not run by nnscope"):
        captured["head:output"].analyse("sensitivity")
