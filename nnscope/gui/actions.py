"""Every command of the window in one table. Menus, shortcuts, the command palette and the shortcut list come from it.

A command's ``id`` is the name of the method that carries it out, of the object that `Commands` has for its menu.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QAction, QActionGroup, QKeySequence

from nnscope.gui import icons
from nnscope.gui.bindings import Bindings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PyQt6.QtWidgets import QWidget

    from nnscope.core.frame import Theme
    from nnscope.gui.commands import Commands
    from nnscope.scene.controller import ViewChoice


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """A command.

    Attributes
    ----------
    id : str
    text : str
        As in the menu, with ``&`` before its letter.
    menu : str
        ``"File"``, ``"View"``, ``"Space"``, ``"Model"``, ``"Record"`` or ``"Help"``; after a slash the submenu.
    keys : str
        Its default shortcut, portable form.
    icon : str
    checkable : bool
    group : str
        Checkable actions of one group exclude each other.
    line : bool
        A separator comes before it in its menu.
    also : str
        A second shortcut, unless another command that can be carried out now has it: on the number pad as in other
        programs of three dimensions, or an arrow that turns the picture where it is one of them.
    canvas : bool
        Its keys count only while the canvas has the keyboard: lists and sliders need the arrows for themselves.
    """

    id: str
    text: str
    menu: str
    keys: str = ""
    icon: str = ""
    checkable: bool = False
    group: str = ""
    line: bool = False
    also: str = ""
    canvas: bool = False


VIEW_KEYS = 9  # views that have a digit as their shortcut

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_file", "&Open …", "File", "Ctrl+O", "open"),
    ActionSpec("open_folder", "Open &folder …", "File", "Ctrl+Shift+O", "folder"),
    ActionSpec("attach", "&Attach …", "File", "Ctrl+Shift+A", "link"),
    ActionSpec("close_source", "&Close", "File", "Ctrl+W", "close", line=True),
    ActionSpec("welcome", "&Welcome page", "File"),
    ActionSpec("save_picture", "&Save picture …", "File", "Ctrl+S", "save", line=True),
    ActionSpec("export_animation", "&Export animation …", "File", "Ctrl+Shift+S"),
    ActionSpec("copy_picture", "C&opy picture", "File", "Ctrl+Shift+C", "copy"),
    ActionSpec("leave", "&Quit", "File", "Ctrl+Q", line=True),
    ActionSpec("undo", "&Undo", "View", "Ctrl+Z", "undo"),
    ActionSpec("redo", "&Redo", "View", "Ctrl+Shift+Z", "redo"),
    ActionSpec("scientific", "&Scientific mode", "View", "S", checkable=True),
    ActionSpec("panes_1", "&One pane", "View", "Ctrl+1", "panes-1", True, "panes", line=True),
    ActionSpec("panes_2", "&Two panes", "View", "Ctrl+2", "panes-2", True, "panes"),
    ActionSpec("panes_4", "&Four panes", "View", "Ctrl+4", "panes-4", True, "panes"),
    ActionSpec("next_pane", "Next &pane", "View", "P"),
    ActionSpec("link", "&Link panes", "View", "L", "link", True),
    ActionSpec("reset_camera", "R&eset camera", "View", "R", "fit", line=True),
    ActionSpec("zoom_in", "Zoom &in", "View", "+"),
    ActionSpec("zoom_out", "Zoom o&ut", "View", "-"),
    ActionSpec("transpose", "Trans&pose", "View", "T"),
    ActionSpec("dimension", "2D or &3D", "View", "Ctrl+Y", "cube"),
    ActionSpec("next_slice", "Next s&lice", "View", "]", line=True),
    ActionSpec("previous_slice", "Previous sli&ce", "View", "["),
    ActionSpec("reset_limits", "Reset colour li&mits", "View", "Shift+R"),
    ActionSpec("theme_system", "As the &system", "View/Theme", "", "", True, "theme"),
    ActionSpec("theme_light", "&Light", "View/Theme", "", "", True, "theme"),
    ActionSpec("theme_dark", "&Dark", "View/Theme", "", "", True, "theme"),
    ActionSpec("show_tree", "&Model tree", "View/Panels", "Ctrl+B", "sidebar-left", True),
    ActionSpec("show_inspector", "&Inspector", "View/Panels", "Ctrl+I", "sidebar-right", True),
    ActionSpec("show_problems", "&Problems", "View/Panels", "Ctrl+Shift+M", "warning", True),
    ActionSpec("full_screen", "F&ull screen", "View/Panels", "F11", "", True, line=True),
    ActionSpec("look_front", "&Front view", "Space", "Z", also="Num+1"),
    ActionSpec("look_back", "&Back view", "Space", "Shift+Z", also="Ctrl+Num+1"),
    ActionSpec("look_right", "&Right view", "Space", "X", also="Num+3"),
    ActionSpec("look_left", "&Left view", "Space", "Shift+X", also="Ctrl+Num+3"),
    ActionSpec("look_top", "&Top view", "Space", "Y", also="Num+7"),
    ActionSpec("look_bottom", "B&ottom view", "Space", "Shift+Y", also="Ctrl+Num+7"),
    ActionSpec("look_isometric", "&Isometric view", "Space", "I", also="Num+9"),
    ActionSpec("parallel", "&Parallel projection", "Space", "O", "", True, line=True, also="Num+5"),
    ActionSpec("fly", "Fl&y", "Space", "F", "", True),
    ActionSpec("orbit_left", "Turn to the left", "Space", "Left", line=True, canvas=True, also="Num+4"),
    ActionSpec("orbit_right", "Turn to the right", "Space", "Right", canvas=True, also="Num+6"),
    ActionSpec("orbit_up", "Turn upwards", "Space", "Up", canvas=True, also="Num+8"),
    ActionSpec("orbit_down", "Turn downwards", "Space", "Down", canvas=True, also="Num+2"),
    ActionSpec("cut", "Slicing plan&e", "Space", "C", "", True, line=True),
    ActionSpec("cut_axis", "Plane across the next &axis", "Space", "Shift+C"),
    ActionSpec("cut_on", "Move the plane o&n", "Space", "."),
    ActionSpec("cut_back", "Move the plane bac&k", "Space", ","),
    ActionSpec("thicker", "Thicker slab", "Space", "Ctrl+."),
    ActionSpec("thinner", "Thinner slab", "Space", "Ctrl+,"),
    ActionSpec("face_camera", "Plane facing the ca&mera", "Space", "Ctrl+Shift+F"),
    ActionSpec("beside", "Slice besi&de", "Space", "B", "panes-2"),
    ActionSpec("next_tensor", "&Next tensor", "Model", "J"),
    ActionSpec("previous_tensor", "&Previous tensor", "Model", "K"),
    ActionSpec("filter", "&Filter tensors", "Model", "Ctrl+F", "search"),
    ActionSpec("spectrum", "Singular &values", "Model", "V", "spectrum", line=True),
    ActionSpec("exact_statistics", "&Exact statistics", "Model", "Ctrl+E"),
    ActionSpec("compare_source", "&Compare with another file …", "Model", "D", "panes-2"),
    ActionSpec("fit_field", "Fit a &Gaussian field …", "Model", "G"),
    ActionSpec("compare_codes", "Compare co&des at equal bytes …", "Model", "Ctrl+Shift+G"),
    ActionSpec("next_sample", "Next &input", "Model", "N", line=True),
    ActionSpec("previous_sample", "Previous i&nput", "Model", "Shift+N"),
    ActionSpec("restart", "&Restart the process", "Model", "", "restart"),
    ActionSpec("play", "&Play or pause", "Model/Steps", "Space", "play", canvas=True),
    ActionSpec("loop", "&Loop", "Model/Steps", "", "loop", True),
    ActionSpec("next_step", "&Next step", "Model/Steps", "Ctrl+Right", "next", line=True, canvas=True, also="Right"),
    ActionSpec("previous_step", "P&revious step", "Model/Steps", "Ctrl+Left", "previous", canvas=True, also="Left"),
    ActionSpec("first_step", "&First step", "Model/Steps", "Home", "first", canvas=True),
    ActionSpec("last_step", "L&ast step", "Model/Steps", "End", "last", canvas=True),
    ActionSpec("begin_range", "&Begin range here", "Model/Steps", "Shift+I", line=True, also="I"),
    ActionSpec("end_range", "&End range here", "Model/Steps", "Shift+O", also="O"),
    ActionSpec("whole_range", "&Whole run", "Model/Steps", "Shift+U"),
    ActionSpec("compare", "&Compare with …", "Model/Steps", "Shift+D", line=True),
    ActionSpec("gradient_flow", "&Gradient flow", "Model/Steps", "Shift+G", "flow"),
    ActionSpec("train", "&Train or stop", "Record", "Ctrl+T", "train"),
    ActionSpec("record", "&Record a training …", "Record", "Ctrl+R", "record"),
    ActionSpec("follow", "&Follow the newest step", "Record", "Ctrl+End", "live", True, line=True),
    ActionSpec("detach", "&Detach", "Record", "Ctrl+Shift+D", "close"),
    ActionSpec("palette", "&Command palette", "Help", "Ctrl+Shift+P", "command"),
    ActionSpec("shortcuts", "&Shortcuts", "Help", "Ctrl+/", "keyboard"),
    ActionSpec("about", "&About nnscope", "Help", "", "info", line=True),
)

MENUS = ("File", "View", "Space", "Model", "Record", "Help")
PICTURES = "View/Picture"  # the submenu of views
AFTER_VIEWS = "scientific"  # the entry that follows it


def view_specs(views: list[ViewChoice]) -> tuple[ActionSpec, ...]:
    """An action for each view, the first nine with a digit."""
    keys = [str(at) if at <= VIEW_KEYS else "" for at in range(1, len(views) + 1)]
    return tuple(
        ActionSpec(f"view:{view.name}", view.title, PICTURES, key, "", True, "view")
        for view, key in zip(views, keys, strict=True)
    )


class ActionTable:
    """The actions of one window, by id, connected to what carries them out.

    ``keys`` are shortcuts chosen in place of the defaults, by id; see `Bindings`. Actions that need it belong to
    ``canvas``, the others to ``window``.
    """

    def __init__(
        self,
        window: QWidget,
        canvas: QWidget,
        commands: Commands,
        views: list[ViewChoice],
        keys: Mapping[str, str],
    ) -> None:
        at = next(i for i, spec in enumerate(ACTIONS) if spec.id == AFTER_VIEWS)
        self.specs = (*ACTIONS[:at], *view_specs(views), *ACTIONS[at:])
        self.bindings = Bindings({spec.id: spec.keys for spec in self.specs}, keys, MENUS)
        self._by_id: dict[str, QAction] = {}
        groups: dict[str, QActionGroup] = {}
        for spec in self.specs:
            action = QAction(spec.text, window)
            action.setCheckable(spec.checkable)
            context = Qt.ShortcutContext
            action.setShortcutContext(context.WidgetShortcut if spec.canvas else context.WindowShortcut)
            action.triggered.connect(_handler(spec, commands))
            if spec.group:
                groups.setdefault(spec.group, QActionGroup(window)).addAction(action)
            (canvas if spec.canvas else window).addAction(action)
            self._by_id[spec.id] = action
        self.rebind()

    def __getitem__(self, id: str) -> QAction:
        return self._by_id[id]

    def all(self) -> list[QAction]:
        """All actions, in the order of the table."""
        return list(self._by_id.values())

    def rebind(self) -> None:
        """Give the actions the shortcuts that they have in `bindings`."""
        for spec in self.specs:
            self._bind(spec)

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        for spec in self.specs:
            if spec.icon:
                self._by_id[spec.id].setIcon(icons.icon(spec.icon, theme))

    def check(self, **states: bool) -> None:
        """Show states of checkable actions, without triggering them."""
        for id, state in states.items():
            self._by_id[id].setChecked(state)

    def enable(self, **states: bool) -> None:
        """Grey out what can't be done now."""
        changed = [id for id, state in states.items() if self._by_id[id].isEnabled() != state]
        for id in changed:
            self._by_id[id].setEnabled(states[id])
        for spec in self.specs if changed else ():
            if spec.also:  # the keys of others don't depend on who can be used
                self._bind(spec)

    def _bind(self, spec: ActionSpec) -> None:
        keys = [self.bindings[spec.id]]
        if spec.also and keys[0]:
            holder = self.bindings.holder(spec.also)
            if not (holder and self._by_id[holder].isEnabled()):
                keys.append(spec.also)
        self._by_id[spec.id].setShortcuts([QKeySequence.fromString(text) for text in keys if text])


def _handler(spec: ActionSpec, commands: Commands) -> Callable[[], None]:
    if spec.id.startswith("view:"):
        run = partial(commands.view.choose_view, spec.id.removeprefix("view:"))
    else:
        run = getattr(commands.of(spec.menu), spec.id)
    return lambda: run()  # Qt would hand over the checked state
