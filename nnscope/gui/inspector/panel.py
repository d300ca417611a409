"""The inspector panel: its parts in one scrolling column, filled from what the active pane shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QPushButton, QScrollArea, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from nnscope.core.splats import SplatPicture
from nnscope.gui import icons
from nnscope.gui.inspector.cut_box import CutBox
from nnscope.gui.inspector.facts import Facts
from nnscope.gui.inspector.gaussians import GaussianList
from nnscope.gui.inspector.histogram import HistogramBox
from nnscope.gui.inspector.histogram_plot import Histogram
from nnscope.gui.inspector.layout_box import LayoutBox
from nnscope.gui.inspector.options_box import OptionsBox
from nnscope.gui.inspector.recipe import RecipeList
from nnscope.gui.inspector.rows import sample_note
from nnscope.gui.inspector.section import Section
from nnscope.gui.inspector.space_box import SpaceBox
from nnscope.gui.inspector.spectrum import SpectrumBox
from nnscope.gui.inspector.statistics import StatisticsTable
from nnscope.gui.text import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnscope.core.answer import Spectrum
    from nnscope.core.frame import Theme
    from nnscope.core.legend import Legend
    from nnscope.core.picture import TilePicture
    from nnscope.core.space_picture import SpacePicture
    from nnscope.gui.inspector.space_box import SpaceFacts
    from nnscope.scene.resolve import Resolved

    Shown = TilePicture | SpacePicture | None


class Inspector(QWidget):
    """All about the tensor of the active pane.

    Its parts emit what the user asks for: ``histogram.limits``, ``histogram.reset``, ``layout_box.chosen``,
    ``space.looked``, ``space.projected``, ``spectrum.wanted``, ``codes.clicked``; ``exact_wanted`` asks for
    statistics over every value.
    """

    exact_wanted = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = Facts()
        self.statistics = StatisticsTable()
        self.histogram = HistogramBox()
        self.layout_box = LayoutBox()
        self.space = SpaceBox()
        self.cut = CutBox()
        self.options = OptionsBox()
        self.gaussians = GaussianList()
        self.spectrum = SpectrumBox()
        self.codes = QPushButton("Compare codes …")
        self.recipe = RecipeList()
        self._log_counts = _tool("Logarithmic counts", self.histogram.plot.set_log)
        self._log_sigma = _tool("Logarithmic scale", self.spectrum.plot.set_log)
        self._note = Label("", "small")
        self._note.setWordWrap(True)
        self._sections = self._make_sections()
        self._lay_out()

    def apply(self, theme: Theme) -> None:
        """Colour the icons."""
        for section in self._sections:
            section.apply(theme)
        self.recipe.apply(theme)
        for tool in (self._log_counts, self._log_sigma):
            tool.setIcon(icons.icon("log", theme))

    def show_nothing(self) -> None:
        """No tensor is chosen."""
        self._stack.setCurrentIndex(0)

    def show_resolved(self, resolved: Resolved, legend: Legend | None, picture: Shown, custom: bool) -> None:
        """Fill all parts but the spectrum. ``picture``: what was drawn; ``custom``: the limits are the user's own."""
        steps = resolved.recipe(picture)
        self._stack.setCurrentIndex(1)
        stats = resolved.stats
        self.codes.setEnabled(resolved.info.ndim >= 2)
        self.facts.show_info(resolved.info, resolved.source)
        self.statistics.show_statistics(stats)
        coloured = resolved.seen or stats
        shown = Histogram(coloured, resolved.normalisation, resolved.style) if coloured is not None else None
        self.histogram.show_histogram(shown, legend, custom)
        self.layout_box.show_layout(resolved.info, resolved.layout, resolved.view)
        self._optional.setVisible(self.options.show_options(resolved, picture))
        self._listed.setVisible(isinstance(picture, SplatPicture))
        told = {step.detail for step in steps}
        self.recipe.show_steps(steps, tuple(note for note in legend.notes if note not in told) if legend else ())
        self._note.setText(sample_note(stats))
        self._note.setVisible(bool(sample_note(stats)))

    def show_space(self, facts: SpaceFacts | None) -> None:
        """Fill the part about three dimensions; None for a picture of two."""
        self._spatial.setVisible(facts is not None)
        self._slicing.setVisible(facts is not None and self.cut.show_cut(facts.resolved))
        if facts is not None:
            self.space.show_space(facts)

    def show_spectrum(self, spectrum: Spectrum | None, matrix: bool) -> None:
        """Fill the singular values."""
        self.spectrum.show_spectrum(spectrum, matrix)
        self._log_sigma.setVisible(spectrum is not None)

    def _make_sections(self) -> list[Section]:
        table = QWidget()
        box = QVBoxLayout(table)
        box.setSpacing(4)
        box.addWidget(self.statistics)
        box.addWidget(self._note)
        self._spatial = Section("Three dimensions", self.space)
        self._slicing = Section("Slice", self.cut)
        self._optional = Section("Settings of the view", self.options)
        self._listed = Section("Gaussians here", self.gaussians)
        for section in (self._spatial, self._slicing, self._optional, self._listed):
            section.hide()
        return [
            Section("Tensor", self.facts),
            Section("Histogram", self.histogram, (self._log_counts,)),
            self._spatial,
            self._listed,
            self._optional,
            self._slicing,
            Section("Layout", self.layout_box),
            Section("What was done", self.recipe),
            Section("Statistics", table),
            Section("Singular values", self.spectrum, (self._log_sigma,)),
            Section("Codes at equal bytes", self.codes),
        ]

    def _lay_out(self) -> None:
        column = QWidget()
        parts = QVBoxLayout(column)
        parts.setContentsMargins(0, 0, 0, 0)
        parts.setSpacing(0)
        for section in self._sections:
            parts.addWidget(section)
        parts.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setAccessibleName("Inspector")
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(column)
        empty = Label("Choose a tensor in the model tree to see its numbers.", "secondary")
        empty.setWordWrap(True)
        empty.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        empty.setContentsMargins(24, 32, 24, 0)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(empty)
        self._stack.addWidget(scroll)


def _tool(title: str, toggled: Callable[[bool], None]) -> QToolButton:
    tool = QToolButton()
    tool.setCheckable(True)
    tool.setToolTip(title)
    tool.setAccessibleName(title)
    tool.toggled.connect(toggled)
    return tool
