"""Drawing as a whole: driver, shaders, text and shapes as predicted, sizes, failures, and what is freed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nnscope.core.errors import NnscopeError
from nnscope.core.frame import DARK, LIGHT, Camera2D, Frame, PaneFrame, Rect
from nnscope.core.legend import Legend
from nnscope.render.furniture import furniture
from nnscope.render.glyphs import Glyphs
from nnscope.render.overlay import GLYPH
from tests.render import building

if TYPE_CHECKING:
    from nnscope.render.offscreen import Offscreen

pytestmark = pytest.mark.gl

MESSAGE = PaneFrame(
    Rect(0, 0, 420, 300),
    Rect(50, 50, 300, 200),
    title="encoder.layer.0.weight",
    subtitle="64 × 3 × 3  ·  float32",
    message="Reading …",
)


def test_the_software_driver_is_there() -> None:
    """Pixels are predicted for Mesa's llvmpipe; without it nothing here says anything."""
    from nnscope.render.limits import gl_info

    info = gl_info()
    assert "llvmpipe" in str(info["renderer"])
    assert info["software"] is True
    assert int(info["max_texture_size"]) >= 4096


@pytest.mark.parametrize(
    ("vertex", "fragment", "constants"),
    [
        ("tiles.vert", "heatmap.frag", {"CURVE": 0, "STATES": 0}),
        ("tiles.vert", "heatmap.frag", {"CURVE": 0, "STATES": 1}),
        ("tiles.vert", "heatmap.frag", {"CURVE": 1, "STATES": 1}),
        ("tiles.vert", "heatmap.frag", {"CURVE": 2, "STATES": 1}),
        ("tiles.vert", "rgba.frag", {}),
        ("overlay.vert", "overlay.frag", {}),
        ("found.vert", "found.frag", {"CURVE": 0, "COLOURS": 0}),
        ("found.vert", "found.frag", {"COLOURS": 1}),
    ],
)
def test_programs_compile_and_link(screen: Offscreen, vertex: str, fragment: str, constants: dict[str, int]) -> None:
    from nnscope.shaders import load
    from vispy import gloo

    with screen.renderer():
        program = gloo.Program(load(vertex), load(fragment, **constants))
        gloo.context.get_current_canvas().context.glir.associate(program.glir)
        gloo.context.get_current_canvas().context.flush_commands()
        program.delete()
        gloo.context.get_current_canvas().context.flush_commands()


def test_every_shader_is_part_of_a_program_above() -> None:
    from nnscope.shaders import FOLDER

    stages = {path.name for path in FOLDER.iterdir() if path.suffix in (".vert", ".frag")}
    (marker,) = [m for m in test_programs_compile_and_link.pytestmark if m.name == "parametrize"]
    assert stages == {name for case in marker.args[1] for name in case[:2]}


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_text_is_the_coverage_of_its_glyphs(screen: Offscreen, theme: object) -> None:
    frame = Frame(420, 300, (MESSAGE,), DARK if theme is DARK else LIGHT)
    pixels = screen.draw(frame)[..., :3].astype(float)
    glyphs = Glyphs()
    quads = furniture(frame, glyphs).vertices().reshape(-1, 4)
    assert (quads["a_shape"][:, 0, 0] == GLYPH).all()
    wanted = np.full((300, 420, 3), frame.theme.ground, float)
    for quad in quads:
        (x0, y0, s0, t0), (x1, y1, s1, t1) = quad["a_place"][[0, 3]].astype(int)
        coverage = glyphs.coverage[t0:t1, s0:s1, None] / 255
        colour = quad["a_colour"][0, :3] * 255
        wanted[y0:y1, x0:x1] = wanted[y0:y1, x0:x1] * (1 - coverage) + colour * coverage
    assert np.abs(pixels - wanted).max() <= 2
    assert (pixels != frame.theme.ground).any()


def test_rounded_corners_are_round(screen: Offscreen) -> None:
    legend = Legend("x", None, scientific=True)
    pane = replace(MESSAGE, message="", title="", subtitle="", legend=legend, rect=Rect(0, 0, 600, 300))
    pixels = screen.draw(Frame(600, 300, (pane,)))
    tint = np.argwhere((pixels[..., :3] != DARK.ground).any(axis=-1))
    (y0, x0), (y1, x1) = tint.min(axis=0), tint.max(axis=0)
    badge = pixels[y0 : y0 + 20, x0 : x0 + 60, :3].astype(int)
    corner, middle = badge[0, 0], badge[10, 2]
    assert np.abs(corner - DARK.ground).sum() < np.abs(middle - DARK.ground).sum()
    assert (badge[1, 10] == middle).all()
    assert (y1, x1) > (y0, x0)


def test_pictures_are_opaque_and_of_the_exact_size(screen: Offscreen) -> None:
    for width, height in ((420, 300), (1, 1), (733, 2), (3, 501), (420, 300)):
        pixels = screen.draw(Frame(width, height, (replace(MESSAGE, rect=Rect(0, 0, width, height)),)))
        assert pixels.shape == (height, width, 4)
        assert pixels.dtype == np.uint8
        assert (pixels[..., 3] == 255).all()


def test_an_empty_frame_is_the_ground(screen: Offscreen) -> None:
    for theme in (DARK, LIGHT):
        assert (screen.draw(Frame(20, 10, (), theme))[..., :3] == theme.ground).all()


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (-1, 5), (100_000, 10)])
def test_sizes_that_cannot_be_say_so(screen: Offscreen, size: tuple[int, int]) -> None:
    with pytest.raises(NnscopeError, match="can't be drawn here"):
        screen.draw(Frame(*size))


def test_drawing_is_deterministic_and_keeps_no_trace(screen: Offscreen) -> None:
    from nnscope.render.offscreen import render_offscreen

    values = building.centred_values(building.linear(), (40, 50))
    shown = building.pane((40, 50), building.tiles(values, key="trace"), Camera2D(25, 20, 7.3), Rect(40, 30, 200, 150))
    first = screen.draw(building.frame(shown))
    screen.draw(Frame(420, 300, (MESSAGE,), LIGHT))
    assert (screen.draw(building.frame(shown)) == first).all()
    assert (render_offscreen(building.frame(shown)) == first).all()


def test_furniture_that_stays_is_drawn_again(screen: Offscreen, monkeypatch: pytest.MonkeyPatch) -> None:
    from nnscope.render import renderer

    first = screen.draw(Frame(420, 300, (MESSAGE,)))
    with monkeypatch.context() as patch:
        patch.setattr(renderer, "furniture", None)  # not asked again
        again = screen.draw(Frame(420, 300, (replace(MESSAGE),)))
    assert (again == first).all()
    assert (screen.draw(Frame(420, 300, (replace(MESSAGE, message="Other"),))) != first).any()


def test_results_are_ones_own(screen: Offscreen) -> None:
    first = screen.draw(Frame(420, 300, (MESSAGE,)))
    copy = first.copy()
    screen.draw(Frame(420, 300, (), LIGHT))
    assert (first == copy).all()
    first[:] = 0


def test_everything_is_freed() -> None:
    from vispy.gloo import gl

    from nnscope.render.offscreen import Offscreen

    values = np.zeros((3, 3), np.float32)
    shown = building.pane((3, 3), building.tiles(values), Camera2D(1, 1, 7), Rect(8, 8, 20, 20))
    screen = Offscreen()
    with screen.renderer() as renderer:
        renderer.draw(building.frame(shown))
        renderer.close()
        gl.glUseProgram(0)  # the one in use goes as soon as it is no longer used
        named = {
            "texture": gl.glIsTexture,
            "buffer": gl.glIsBuffer,
            "program": gl.glIsProgram,
            "framebuffer": gl.glIsFramebuffer,
        }
        left = [(kind, i) for kind, alive in named.items() for i in range(1, 100) if alive(i)]
        screen._renderer = None
    screen.close()
    assert left == []
