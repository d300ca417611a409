"""Hooks come off on every way out, raise nothing, keep nothing alive, and get in no one's way (P10, P11)."""

from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor, nn

from nnscope.core.errors import NnscopeError
from nnscope.sources.live import captured, hooks
from nnscope.sources.live.capture import Capture, capture
from nnscope.sources.live.captured import OVER_BUDGET
from tests.sources.live.watched import Net, X, array, hook_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def by_exception(model: Net) -> None:
    with pytest.raises(ValueError, match="mine"), capture(model):
        model(X, ValueError("mine"))


def by_keyboard_interrupt(model: Net) -> None:
    with pytest.raises(KeyboardInterrupt), capture(model):
        model(X, KeyboardInterrupt())


def by_system_exit(model: Net) -> None:
    with pytest.raises(SystemExit), capture(model):
        model(X, SystemExit(1))


def by_return(model: Net) -> None:
    def inside() -> Tensor:
        with capture(model):
            return model(X)

    inside()


def by_generator_close(model: Net) -> None:
    def steps() -> Iterator[Tensor]:
        with capture(model):
            while True:
                yield model(X)

    generator = steps()
    next(generator)
    assert hook_count(model) > 0
    generator.close()


def by_nested_contexts(model: Net) -> None:
    with capture(model, "encoder.*") as outer:
        with capture(model, "head") as inner:
            model(X)
        count = hook_count(model)
        model(X * 2)
    assert count > 0
    assert set(inner) == {"head:input", "head:output"}
    assert all(name.startswith("encoder.") for name in outer)


def by_interrupted_exit(model: Net) -> None:
    """Ctrl+C between two hooks while they are being taken off."""
    cap = capture(model)
    cap.__enter__()
    original = torch.utils.hooks.RemovableHandle.remove
    calls = 0

    def remove(handle: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        original(handle)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.utils.hooks.RemovableHandle, "remove", remove)
        with pytest.raises(KeyboardInterrupt):
            cap.__exit__(None, None, None)


def by_failing_entry(model: Net) -> None:
    """The third module refuses hooks."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no hooks here")

    model.encoder[1].register_forward_hook = refuse  # type: ignore[assignment]
    with pytest.raises(RuntimeError, match="no hooks here"), capture(model):
        pass
    del model.encoder[1].register_forward_hook


@pytest.mark.parametrize(
    "way",
    [
        by_exception,
        by_keyboard_interrupt,
        by_system_exit,
        by_return,
        by_generator_close,
        by_nested_contexts,
        by_interrupted_exit,
        by_failing_entry,
    ],
    ids=lambda way: way.__name__,
)
def test_hooks_come_off_on_every_way_out(way: Callable[[Net], None]) -> None:
    model = Net()
    before = [dict(module.__dict__) for module in model.modules()]
    way(model)
    assert hook_count(model) == 0
    assert [dict(module.__dict__) for module in model.modules()] == before


def test_a_pass_that_raised_leaves_no_confusion_behind() -> None:
    model = Net()
    with capture(model, kinds="output") as cap:
        for error in (ValueError(), KeyboardInterrupt()):
            with pytest.raises(type(error)):
                model(X, error)
        model(X)
        assert not any("~" in name for name in cap)
        with pytest.raises(KeyboardInterrupt):
            model(X, KeyboardInterrupt())
        model.encoder(X)  # a part alone, after a pass that never ended
    assert "encoder:output" in cap


def test_a_part_that_raised_begins_anew() -> None:
    model = Net()
    with capture(model) as cap:
        for _ in range(2):
            with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
                model.encoder(torch.zeros(3, 5))
        model.encoder(X)
    assert not any("~" in name for name in cap)


@pytest.mark.parametrize("error", [RuntimeError("copying failed"), MemoryError(), RecursionError()])
def test_what_goes_wrong_in_a_hook_stays_there(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    model = Net()
    plain = model(X)

    def fails(*given: object) -> Tensor:
        raise error

    monkeypatch.setattr(captured, "copy_of", fails)
    with capture(model) as cap:
        assert torch.equal(model(X), plain)
    assert len(cap) == 0
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert type(error).__name__ in reasons["head:output"]


def test_ctrl_c_in_a_hook_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*given: object) -> Tensor:
        raise KeyboardInterrupt

    model = Net()
    monkeypatch.setattr(captured, "copy_of", interrupted)
    with pytest.raises(KeyboardInterrupt), capture(model):
        model(X)
    assert hook_count(model) == 0


def test_captured_values_keep_neither_graph_nor_model_alive() -> None:
    model = Net()
    x = X.clone().requires_grad_()
    with capture(model) as cap:
        output = model(x)
    leaf, gone = weakref.ref(x), weakref.ref(model)  # the graph holds its leaves
    copies = [cap.source.captured.find(name).value for name in cap]
    assert all(copy is not None and copy.grad_fn is None for copy in copies)
    del copies
    del x, output, model
    gc.collect()
    assert leaf() is None
    assert gone() is None
    assert array(cap["head:output"]).shape == (3, 2)
    assert [info.kind for info in cap.source.listing().tensors if info.kind == "parameter"] == []
    with pytest.raises(NnscopeError, match="The model is gone"):
        cap.source.reader("head.weight")


def test_newest_values_win_within_the_budget() -> None:
    model = nn.Sequential(*(nn.Identity() for _ in range(10)))
    x = torch.zeros(1000)  # 4000 bytes
    with capture(model, "[0-9]", "output", budget=12_000) as cap:
        for _ in range(3):
            model(x)
            assert cap.source.captured.nbytes <= 12_000
    kept = [name for name, reader in cap.items() if not reader.info.unreadable]
    assert kept == ["7:output", "8:output", "9:output"]
    assert cap["0:output"].info.unreadable == OVER_BUDGET
    assert cap["0:output"].info.shape == (1000,)
    with pytest.raises(NnscopeError, match="not kept"):
        array(cap["0:output"])
    with capture(model, "9", "output", budget=3999) as cap:
        model(x)
    assert cap["9:output"].info.unreadable == OVER_BUDGET


def test_expanded_views_do_not_blow_up() -> None:
    model = nn.Identity()
    with capture(model, budget=1 << 20) as cap:
        model(torch.zeros(1).expand(1 << 40))
    assert cap["(model):output"].info.unreadable == OVER_BUDGET


def test_nothing_is_seen_while_paused() -> None:
    model = Net()
    with capture(model) as cap:
        cap.source.recorder.paused = True
        model(X)
        assert len(cap) == 0
        cap.source.recorder.paused = False
        model(X)
    assert len(cap) > 0


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("*", {"(model)", "encoder", "encoder.0", "encoder.1", "encoder.2", "head"}),
        ("encoder.*", {"encoder.0", "encoder.1", "encoder.2"}),
        (["head", "encoder.[01]"], {"head", "encoder.0", "encoder.1"}),
        ("(model)", {"(model)"}),
        (lambda path: path.endswith("2"), {"encoder.2"}),
    ],
    ids=["all", "pattern", "list", "root", "function"],
)
def test_layers_by_pattern(layers: Any, expected: set[str]) -> None:
    model = Net()
    with capture(model, layers, "output") as cap:
        model(X)
    assert {name.removesuffix(":output") for name in cap} == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"layers": "encodr.*"}, "No module of the model matches this"),
        ({"kinds": "jacobian"}, "Kinds are .parameter., .grad."),
        ({"kinds": "weights"}, "'weights' is no kind of captured value"),
        ({"kinds": ()}, "No kind of value is asked for"),
    ],
    ids=lambda value: str(value),
)
def test_what_cannot_be_captured_is_said(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(NnscopeError, match=sentence):
        capture(Net(), **arguments)


def test_a_recorder_can_be_attached_again() -> None:
    model = Net()
    cap: Capture = capture(model)
    for _ in range(2):
        with cap:
            model(X)
        assert hook_count(model) == 0
    assert hooks.MAX_CALLS > 1
    assert not any("~" in name for name in cap)
