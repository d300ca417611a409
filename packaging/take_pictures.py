"""Take the README's pictures from the real window: ``python packaging/take_pictures.py [NAME…]`` under a display.

Each is a state of the running application on the demo network, photographed from the screen.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QEventLoop, QTimer
from PyQt6.QtWidgets import QApplication

from nnscope.app import build_window
from nnscope.gui.application import make_application

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.gui.main_window import MainWindow
    from nnscope.scene.controller import Controller

TARGET = Path(__file__).parents[1] / "assets" / "pictures"
SIZE = (1440, 900)
DEMO = "demo:digits-cnn"
TRANSFORMER, ATTENTION = "demo:digits-vit", "blocks:attention.layers"


def main() -> int:
    """Take every picture."""
    TARGET.mkdir(exist_ok=True)
    application = make_application()
    window = build_window([DEMO])
    window.resize(*SIZE)
    window.move(0, 0)
    window.show()
    window.open_paths([DEMO])
    controller = window.controller
    try:
        _wait(lambda: controller.settled and "block1:output" in controller.library.sources[DEMO].infos)
        states = {
            "window": _weights,
            "volume": _volume,
            "scientific": _scientific,
            "side-by-side": _side_by_side,
            "attention": _attention,
        }
        for name, arrange in states.items():
            arrange(controller)
            if name in (sys.argv[1:] or states):
                _photograph(window, name)
        if "timeline" in (sys.argv[1:] or ["timeline"]):
            with tempfile.TemporaryDirectory() as folder:
                window.actions_table["show_inspector"].trigger()
                _timeline(window, Path(folder) / "training")
                _photograph(window, "timeline")
                window.actions_table["show_inspector"].trigger()
        if "fields" in (sys.argv[1:] or ["fields"]):
            with tempfile.TemporaryDirectory() as folder:
                _fields(window, Path(folder))
                _photograph(window, "fields")
    finally:
        window.close()
        application.processEvents()
    return 0


def _weights(controller: Controller) -> None:
    controller.show(DEMO, "block2:output")
    _hover_over_the_middle(controller)


def _volume(controller: Controller) -> None:
    controller.show(DEMO, "block1:output")
    controller.workspace.update_pane(
        view="volume", layout=None, camera=None, pin=None, colours="magma", normalisation="linear"
    )
    _settle(controller)
    controller.pan(60, -10)
    _hover_over_the_middle(controller)


def _scientific(controller: Controller) -> None:
    controller.workspace.update_pane(view="heatmap", layout=None, camera=None, pin=None, colours="", normalisation="")
    controller.show(DEMO, "block2.conv1.weight")
    controller.toggle_scientific()
    _hover_over_the_middle(controller)


def _side_by_side(controller: Controller) -> None:
    controller.toggle_scientific()
    controller.split(2)
    controller.show(DEMO, "block1:output", 0)
    controller.show(DEMO, "block1:output", 1)
    controller.workspace.update_pane(0, view="rgb")
    _hover_over_the_middle(controller)


def _attention(controller: Controller) -> None:
    controller.open(TRANSFORMER)
    sources = controller.library.sources
    _wait(lambda: TRANSFORMER in sources and ATTENTION in sources[TRANSFORMER].infos)
    controller.split(1)
    controller.show(TRANSFORMER, ATTENTION)
    controller.workspace.update_pane(view="attention", layout=None, camera=None, pin=None)
    _hover_over_the_middle(controller)


def _timeline(window: MainWindow, run: Path) -> None:
    """A recorded training of the transformer: gradient flow, and a range of the steps on the timeline."""
    _record(run)
    controller, key = window.controller, str(run)
    for other in list(controller.library.sources):
        window.close_source(other)
    window.open_paths([key])
    _wait(lambda: key in controller.library.sources and controller.workspace.pane.source == key)
    controller.show(key, "head.weight")
    _settle(controller)
    steps = controller.timeline.kept_here()
    for part, mark in ((0.3, "begin_range"), (0.75, "end_range"), (0.55, "")):
        controller.timeline.choose(int(steps[int(part * len(steps))]))
        _settle(controller)
        if mark:
            window.actions_table[mark].trigger()
    window.actions_table["gradient_flow"].trigger()
    _hover_over_the_middle(controller)


def _record(run: Path) -> None:
    """A training of the demo transformer from its first weights, in which one batch comes without being scaled."""
    import torch

    import nnscope
    from nnscope.core.plugins import find_model
    from plugins.digits.data import training_part

    torch.manual_seed(0)
    part = training_part()
    images, digits = torch.from_numpy(part.images), torch.from_numpy(part.digits).long()
    model = find_model("digits-vit").factory().train()
    for module in model.modules():
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    with nnscope.watch(model, run, every=4, kinds=("parameter", "grad"), attach=False) as recorded:
        for step in range(160):
            chosen = torch.randint(0, len(images), (64,))
            scale = 255.0 if step == 96 else 1.0
            loss = torch.nn.functional.cross_entropy(model(scale * images[chosen]), digits[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            recorded.step(loss=loss)


def _fields(window: MainWindow, folder: Path) -> None:
    """A made-up neuron with its Gaussian field, the residual and the ellipses."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from tests.fields.neurites import write_neurites

    controller, path = window.controller, folder / "neuron.tif"
    write_neurites(path)
    controller.split(1)
    window.open_paths([str(path)])
    _wait(lambda: str(path) in controller.library.sources and controller.workspace.pane.address == "neuron")
    controller.workspace.update_pane(view="volume")
    _settle(controller)
    window.actions_table["fit_field"].trigger()
    dialog = window.fitter.dialog
    assert dialog is not None
    dialog.gaussians.setValue(600)
    dialog.steps.setValue(200)
    dialog.fit.click()
    _wait(dialog.keep.isEnabled)
    _wait(lambda: len(controller.workspace.state.panes) == 4)
    dialog.close()
    for key in [key for key in controller.library.sources if not window.fitter.owns(key)]:
        window.close_source(key)
    controller.activate(3)
    _settle(controller)
    place = controller.drawn(3)
    assert place is not None
    picture = place.picture
    middle = picture.x + 0.5 * picture.w, picture.y + 0.5 * picture.h
    controller.hover(*middle)
    window.pointer.clicked.emit(*middle)
    _pause(700)


def _hover_over_the_middle(controller: Controller) -> None:
    _settle(controller)
    drawn = controller.drawn(0)
    assert drawn is not None
    picture = drawn.picture
    controller.hover(picture.x + 0.42 * picture.w, picture.y + 0.45 * picture.h)


def _settle(controller: Controller) -> None:
    _pause(300)
    _wait(lambda: controller.settled)
    _pause(700)  # sparklines and fades


def _wait(ready: Callable[[], bool]) -> None:
    for _ in range(600):
        if ready():
            return
        _pause(50)
    raise TimeoutError("the window did not become ready")


def _pause(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def _photograph(window: MainWindow, name: str) -> None:
    _pause(600)
    screen = QApplication.primaryScreen()
    assert screen is not None
    corner = window.mapToGlobal(window.rect().topLeft())
    shot = screen.grabWindow(0, corner.x(), corner.y(), window.width(), window.height())
    path = TARGET / f"{name}.png"
    shot.save(str(path))
    from PIL import Image

    with Image.open(path) as image:
        image.convert("RGB").save(path, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
