"""Hooks come off on every way out, raise nothing, keep nothing alive, and get in no one's way (P10, P11)."""

from __future__ import annotations

import copy
import gc
import io
import pickle
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nnscope.core.errors import NnscopeError
from nnscope.sources.live import captured, hooks
from nnscope.sources.live.capture import Capture, capture
from nnscope.sources.live.captured import OVER_BUDGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 8), nn.ReLU(inplace=True), nn.Linear(8, 4))
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor, error: BaseException | None = None) -> Tensor:
        x = self.encoder(x)
        if error is not None:
            raise error
        return self.head(x)


def hook_count(model: nn.Module) -> int:
    lists = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    more = ("_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs")
    return sum(len(getattr(module, name)) for module in model.modules() for name in (*lists, *more))


def array(reader: Any) -> np.ndarray:
    return reader.read(tuple((0, n, 1) for n in reader.info.shape))


X = torch.linspace(-1, 1, 12).view(3, 4)


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

    def fails(tensor: Tensor) -> Tensor:
        raise error

    monkeypatch.setattr(captured, "copy_of", fails)
    with capture(model) as cap:
        assert torch.equal(model(X), plain)
    assert len(cap) == 0
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert type(error).__name__ in reasons["head:output"]


def test_ctrl_c_in_a_hook_is_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(tensor: Tensor) -> Tensor:
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
    assert all(kept.value is not None and kept.value.grad_fn is None for kept in cap.source.captured.all())
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


def test_copies_and_pickles_need_no_nnscope() -> None:
    model = Net()
    plain = model(X)
    with capture(model) as cap:
        pickled = pickle.dumps(model)
        buffer = io.BytesIO()
        torch.save(model, buffer)
        clones = [copy.deepcopy(model), pickle.loads(pickled)]
        buffer.seek(0)
        clones.append(torch.load(buffer, weights_only=False))
        for clone in clones:
            assert torch.equal(clone(X), plain)
        assert len(cap) == 0  # they are not watched
        assert model.state_dict().keys() == clones[0].state_dict().keys()
    assert b"nnscope" not in pickled


def test_a_shallow_copy_is_not_the_model() -> None:
    model = Net()
    with capture(model) as cap:
        copy.copy(model.head)(X)
        assert len(cap) == 0
        model(X)
    assert "head:output" in cap


def test_a_watched_model_can_be_moved() -> None:
    model = Net()
    with capture(model) as cap:
        model.double()(X.double())
        model.to(torch.bfloat16)(X.bfloat16())
    assert {reader.info.dtype for reader in cap.values()} == {"bfloat16"}


def test_a_watched_model_can_be_wrapped_in_ddp(tmp_path: Any) -> None:
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    try:
        model = Net()
        with capture(model) as cap:
            wrapped = nn.parallel.DistributedDataParallel(model)
            wrapped(X).sum().backward()
        assert "encoder.0:output" in cap
        assert hook_count(model) == 0
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_sees_the_model_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    plain = str(torch.jit.trace(model, X).graph)
    with capture(model) as cap:
        watched = str(torch.jit.trace(model, X, check_trace=False).graph)
    assert watched.count("aten::") == plain.count("aten::")
    assert len(cap) == 0


def test_function_transforms_are_told_apart() -> None:
    model = nn.Linear(4, 2)
    with capture(model) as cap:
        torch.func.vmap(model)(X)
    assert "function transform" in cap["(model):output"].info.unreadable


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
        ({"kinds": ("output", "grad_output")}, "'grad_output' can't be captured yet"),
        ({"kinds": "attention"}, "'attention' can't be captured yet"),
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


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.inner(x))


def test_compiled_modules_give_a_reason_and_nothing_stale() -> None:
    model = Net()
    plain = model(X)
    compiled = torch.compile(model, backend="eager")
    with capture(compiled) as cap:
        assert torch.equal(compiled(X), plain)
        assert set(cap) == {"(model):input", "(model):output"}
    np.testing.assert_array_equal(array(cap["(model):output"]), plain.detach().numpy())
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert "compiled" in reasons["_orig_mod:output"]
    assert "compiled" in reasons["_orig_mod.head:output"]
    torch._dynamo.reset()
    model.encoder.compile(backend="eager")
    model(X)
    with capture(model) as cap:
        assert torch.equal(model(X), plain)
    reasons = {info.address: info.unreadable for info in cap.source.listing().tensors if info.unreadable}
    assert "compiled" in reasons["encoder:output"]
    assert "compiled" in reasons["encoder.0:output"]
    assert "head:output" in cap
    torch._dynamo.reset()


def test_a_watched_model_can_be_compiled() -> None:
    model = Twice()
    plain = model(X)
    torch._dynamo.reset()
    with capture(model) as cap:
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.equal(compiled(X), plain)
        assert len(cap) == 0
        assert torch.equal(model(X), plain)
        assert "inner:output~2" in cap
    assert torch.equal(compiled(X), plain)
    torch._dynamo.reset()


def test_what_other_hooks_put_in_place_is_what_is_captured() -> None:
    model = nn.Sequential(nn.Identity(), nn.Linear(4, 4))
    model[0].register_forward_hook(lambda module, args, output: output * 2)
    model[1].register_forward_pre_hook(lambda module, args: (args[0] + 1,))
    with capture(model) as cap:
        model(X)
    np.testing.assert_array_equal(array(cap["0:output"]), (X * 2).numpy())
    np.testing.assert_array_equal(array(cap["1:input"]), (X * 2 + 1).numpy())


class Listening(torch.Tensor):
    heard: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.heard.append(getattr(func, "__name__", str(func)))
        return super().__torch_function__(func, types, args, kwargs or {})


class CountingMode(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.heard.append(str(func))
        return func(*args, **(kwargs or {}))


def test_whoever_listens_to_operations_hears_the_model_alone() -> None:
    def run() -> tuple[list[str], list[str]]:
        Listening.heard.clear()
        model(X.as_subclass(Listening))
        subclass = list(Listening.heard)
        with CountingMode() as mode:
            model(X)
        return subclass, mode.heard

    model = Net()
    plain = run()
    with capture(model) as cap:
        assert run() == plain
    assert plain[0]
    assert plain[1]
    assert "head:output" in cap
