"""Copies take over memory that nobody reads, and never any that somebody may be reading."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nnscope.sources.live.capture import Capture, capture
from nnscope.sources.live.hooks import MAX_CALLS
from nnscope.sources.live.spares import LEAST_BYTES, Spares
from tests.sources.live.watched import array

BIG = LEAST_BYTES // 4  # float32 elements


def chain(count: int) -> nn.Sequential:
    return nn.Sequential(*(nn.Hardtanh(-1e9, 1e9) for _ in range(count)))


def memory(cap: Capture) -> set[int]:
    """Where the copies are, without asking for them as a reader would."""
    cap.source.captured.addresses()
    return {kept.value.data_ptr() for kept in cap.source.captured._kept.values() if kept.value is not None}


def test_memory_is_used_again() -> None:
    model = chain(3)
    with capture(model, "[0-9]", "output") as cap:
        seen = []
        for step in range(6):
            model(torch.full((BIG,), float(step)))
            seen.append(memory(cap))
        assert set().union(*seen[2:]) <= seen[0] | seen[1] | seen[2]
        assert len(set().union(*seen)) <= 3 * 2
    assert cap.source.captured._spares.nbytes == 0  # nothing is left lying about
    assert array(cap["1:output"])[0] == 5


def test_a_copy_that_nobody_asked_for_is_written_over_and_the_newest() -> None:
    model = nn.Sequential(OrderedDict(a=chain(1)[0], b=chain(1)[0]))
    model.forward = lambda x: model.b(model.a(model.a(x) + 1))  # type: ignore[method-assign]
    with capture(model, "[ab]", "output") as cap:
        places, versions = [], []
        for step in range(4):
            model(torch.full((BIG,), float(step), requires_grad=step == 3))
            places.append(memory(cap))
            versions.append(max(info.version for info in cap.source.captured.infos()))
        assert places[0] == places[1] == places[2] == places[3]
        assert versions == sorted(set(versions))
        assert list(cap) == ["a:output", "a:output~2", "b:output"]
        assert [array(cap[address])[0] for address in cap] == [3, 4, 4]


def test_calls_without_number_keep_the_newest_in_bounded_memory() -> None:
    model = chain(1)
    model.forward = lambda x: sum((model[0](x + i) for i in range(MAX_CALLS + 6)), x)  # type: ignore[method-assign]
    with capture(model, "0", "output") as cap:
        for step in range(3):
            model(torch.full((BIG,), 100.0 * step))
        (hook,) = model[0]._forward_hooks.values()
        assert len(hook.slots) == MAX_CALLS  # type: ignore[attr-defined]
        assert array(cap[f"0:output~{MAX_CALLS}"])[0] == 200 + MAX_CALLS + 5
        assert array(cap["0:output~2"])[0] == 201
        assert cap.source.recorder.calls["0"].count == MAX_CALLS + 6


def test_who_asks_in_the_middle_of_a_pass_gets_what_is_newest_and_keeps_it() -> None:
    model = chain(2)
    seen: list[Any] = []
    with capture(model, "[0-9]", "output") as cap:
        model[1].register_forward_pre_hook(
            lambda module, args: seen.append((cap["0:output"], cap["1:output"])) if len(cap) == 2 else None
        )
        for step in range(4):
            model(torch.full((BIG,), float(step)))
    assert [(array(first)[0], array(second)[0]) for first, second in seen] == [(1, 0), (2, 1), (3, 2)]


def test_what_someone_holds_is_never_written_to() -> None:
    model = chain(2)
    with capture(model, "[0-9]", "output") as cap:
        held = []
        for step in range(5):
            model(torch.full((BIG,), float(step)))
            held.append(cap["1:output"])
        for step, reader in enumerate(held):
            np.testing.assert_array_equal(array(reader), np.full(BIG, step, np.float32))


def test_values_are_right_whatever_memory_they_are_in() -> None:
    model = chain(2)
    layouts = [
        lambda x: x.view(128, -1),
        lambda x: x.view(128, -1).t(),
        lambda x: x.view(-1, 2)[:, 0].repeat_interleave(2),
        lambda x: x.view(64, 2, -1)[:, 1],
        lambda x: x[:1].expand(BIG),
        lambda x: x.double(),
        lambda x: x.to(torch.complex64).conj(),
    ]
    with capture(model, "1", "output") as cap:
        for step in range(3 * len(layouts)):
            x = layouts[step % len(layouts)](torch.arange(2 * BIG) + step * 0.5)
            taken = nn.Identity()(x)
            model[1].forward = lambda value: value  # type: ignore[method-assign]
            model[1](taken)
            if step % 3 == 2:
                np.testing.assert_array_equal(array(cap["1:output"]), x.resolve_conj().numpy())


@pytest.mark.parametrize("first", [True, False], ids=["inference first", "inference last"])
def test_in_and_out_of_inference_mode(first: bool) -> None:
    model = chain(1)
    with capture(model, "0", "output") as cap:
        for step in range(6):
            with torch.inference_mode((step % 2 == 0) == first):
                model(torch.full((BIG,), float(step)))
        assert cap.source.recorder.troubles == {}
        assert array(cap["0:output"])[0] == 5


def test_the_budget_holds_with_spares() -> None:
    model = chain(5)
    with capture(model, "[0-9]", "output", budget=6 * LEAST_BYTES) as cap:
        values = cap.source.captured
        for step in range(4):
            model(torch.full((BIG,), float(step)))
            assert values.nbytes + values._spares.nbytes <= values.budget
        assert [array(reader)[0] for reader in cap.values()] == [3] * 5
    with capture(model, "[0-9]", "output", budget=3 * LEAST_BYTES) as cap:
        for step in range(4):
            model(torch.full((BIG,), float(step)))
        assert [name for name, reader in cap.items() if not reader.info.unreadable] == [
            f"{i}:output" for i in (2, 3, 4)
        ]


def test_a_pass_can_be_looked_at_before_it_ends() -> None:
    seen: list[Any] = []

    class Looks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            seen.append((list(cap), array(cap["0:output"])[0]))
            return x

    model = nn.Sequential(nn.Identity(), Looks())
    with capture(model, kinds="output") as cap:
        for step in range(2):
            model(torch.full((BIG,), float(step)))
    assert [value for _, value in seen] == [0, 1]
    assert seen[0][0] == ["0:output"]


def test_memory_of_shapes_gone_by_is_let_go() -> None:
    model = chain(2)
    with capture(model, "[0-9]", "output") as cap:
        for size in range(BIG, BIG + 20):
            model(torch.zeros(size))
            values = cap.source.captured
            assert values._spares.nbytes <= values.nbytes


def test_spares_are_bounded() -> None:
    spares = Spares()
    for size in (BIG, 2 * BIG):
        for _ in range(4):
            copy = torch.zeros(size)
            spares.keep(copy.shape, copy)
    assert spares.nbytes == 12 * LEAST_BYTES
    spares.shrink(7 * LEAST_BYTES)
    assert spares.nbytes == 6 * LEAST_BYTES
    assert spares.take(torch.Size([2 * BIG])) is not None  # the newest layout stays
    spares.shrink(0)
    assert spares.nbytes == 0
    assert spares.take(torch.Size([BIG])) is None
