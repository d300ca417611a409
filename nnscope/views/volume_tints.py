"""The settings of a volume that say what drives the hue and the opacity of translucent rays, and what they add to it.

- ``hue``: ``"scale"``, the colours of the scale; ``"gradient"``, the direction of the gradient across each depth;
  ``"pca"``, the first three principal components over the depths. Brightness is the value then.
- ``opacity``: ``"curve"``, the curve over the scale alone; ``"norm"``, that times the norm of each depth, so that
  channels with small weights are faint.

Rays that are not translucent mix no colours: there, as in all of scientific mode, the mapping is the plain one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nnscope.core.picture import Step
from nnscope.core.volume import SIDE
from nnscope.views.setting import Setting, chosen

if TYPE_CHECKING:
    from nnscope.core.request import Settings
    from nnscope.core.space import SpaceLook
    from nnscope.core.volume import VolumePicture

HUE = Setting("hue", "scale", choices=("scale", "gradient", "pca"), title="Hue")
OPACITY = Setting("opacity", "curve", choices=("curve", "norm"), title="Opacity")
OPTIONS = (HUE, OPACITY)
DIRECTIONS = "hue: gradient across each depth, red to the right, green down; saturation: how steep"


def mapping(settings: Settings, look: SpaceLook) -> Settings:
    """The settings that change what a look shows: those that are not the plain mapping, of translucent rays."""
    if look.mode != "translucent":
        return ()
    values = chosen(OPTIONS, settings)
    return tuple((option.name, values[option.name]) for option in OPTIONS if values[option.name] != option.default)


def idle(look: SpaceLook, scientific: bool) -> str:
    """Why these settings have no effect; empty when they have one."""
    if scientific:
        return "Not in scientific mode: hue and opacity of their own exaggerate."
    return "" if look.mode == "translucent" else "Only translucent rays mix hue and opacity."


def tinted(plain: VolumePicture, settings: Settings) -> VolumePicture:
    """A volume with what the settings add to it."""
    from nnscope.compute.space.tints import component_tints, depth_norms, gradient_tints

    values, notes, steps = chosen(OPTIONS, settings), list(plain.notes), list(plain.recipe)
    if (values["hue"], values["opacity"]) == ("scale", "curve"):
        return plain
    if max(plain.values.shape) > SIDE:
        return replace(plain, notes=(*notes, f"plain hue and opacity: a side has more than {SIDE} voxels"))
    tints = weights = None
    if values["hue"] == "gradient":
        tints = gradient_tints(plain.values)
        notes += ["brightness: value", DIRECTIONS]
        steps.append(Step("hue", False, "direction of the gradient across each depth"))
    elif values["hue"] == "pca":
        tints, explained = component_tints(plain.values)
        shares = " + ".join(f"{share:.1%}" for share in explained)
        notes += ["brightness: value", f"hue: PC1–3 over the depths as red, green, blue; {shares} of the variance"]
        steps.append(Step("hue", False, "principal components over the depths"))
    if values["opacity"] == "norm":
        weights = depth_norms(plain.values)
        notes.append("opacity: curve × norm of each depth")
        steps.append(Step("opacity", False, "times the norm of each depth"))
    return replace(plain, tints=tints, weights=weights, notes=tuple(notes), recipe=tuple(steps))
