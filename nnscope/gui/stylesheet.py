"""The style sheet, with the tokens of `nnscope.gui.theme.TOKENS` left open.

Spacing goes in steps of 4 pixels. Panels are told apart by ground and one-pixel lines: no box inside a box. What has
the keyboard shows it by an accent outline.
"""

STYLE = """
QMainWindow, QDialog { background: $panel; }
QMainWindow::separator { background: $line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QToolTip { background: $popup; color: $text; border: 1px solid $line; padding: 4px 8px; }

QMenuBar { background: $panel; padding: 2px 4px; border: none; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $popup; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 8px; border-radius: 4px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $faint; }
QMenu::icon { padding-left: 8px; }
QMenu::separator { height: 1px; background: $line; margin: 4px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 6px; }

QToolBar { background: $panel; border: none; border-bottom: 1px solid $line; border-top: 1px solid $line;
           padding: 4px 8px; spacing: 4px; }
QToolBar::separator { background: $line; width: 1px; margin: 4px 4px; }
QStatusBar { background: $panel; border-top: 1px solid $line; }
QStatusBar::item { border: none; }

QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; padding: 3px 5px; }
QToolButton:hover { background: $hover; }
QToolButton:pressed { background: $pressed; }
QToolButton:checked { background: $checked; color: $accent; }
QToolButton:focus { border-color: $accent; }
QToolButton:disabled { color: $faint; }
QToolButton::menu-indicator { image: none; }
QToolBar QToolButton { padding: 5px; }
QToolButton[role="fold"] { background: transparent; padding: 2px; }
QToolButton[role="fold"]:hover { background: $hover; }

QPushButton { background: $control; border: 1px solid transparent; border-radius: 4px; padding: 5px 12px; }
QPushButton:hover { background: $hover; }
QPushButton:pressed { background: $pressed; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $faint; }
QPushButton[role="primary"] { background: $accent; color: $on_accent; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="primary"]:disabled { background: $control; color: $faint; }
QPushButton[role="primary"]:focus { border-color: $text; }
QPushButton[role="quiet"] { background: transparent; color: $accent; padding: 3px 8px; }
QPushButton[role="quiet"]:hover { background: $hover; }
QPushButton[role="quiet"]:disabled { color: $faint; }

QComboBox { background: $control; border: 1px solid transparent; border-radius: 4px; padding: 3px 8px;
            min-height: 18px; }
QComboBox:hover { background: $hover; }
QComboBox:focus, QComboBox:on { border-color: $accent; }
QComboBox:disabled { color: $faint; }
QComboBox[role="pictures"] { combobox-popup: 0; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url(nnscope:arrow-down.svg); width: 12px; height: 12px; }
QComboBox QAbstractItemView { background: $popup; border: 1px solid $line; padding: 4px; outline: none;
                              selection-background-color: $selected; selection-color: $text; }
QComboBox QAbstractItemView::item { padding: 3px 8px; min-height: 20px; border-radius: 4px; }

QLineEdit, QSpinBox, QPlainTextEdit { background: $control; border: 1px solid transparent; border-radius: 4px;
    padding: 3px 8px; selection-background-color: $selected; selection-color: $text; }
QLineEdit:focus, QSpinBox:focus, QPlainTextEdit:focus { border-color: $accent; }
QSpinBox { padding-right: 4px; }
QSpinBox::up-button, QSpinBox::down-button { border: none; width: 16px; background: transparent; }
QSpinBox::up-arrow { image: url(nnscope:arrow-up.svg); width: 9px; height: 9px; }
QSpinBox::down-arrow { image: url(nnscope:arrow-down.svg); width: 9px; height: 9px; }
QCheckBox { spacing: 6px; }
QCheckBox:focus { color: $accent; }

QTreeView, QTableView, QListView { background: $panel; border: none; border-top: 1px solid transparent; outline: none; }
QTreeView:focus, QTableView:focus, QListView:focus { border-top-color: $accent; }
QComboBox QAbstractItemView:focus, QDialog QListView:focus { border-top-color: $line; }
QTreeView::item { height: 24px; border: none; padding: 0 4px; }
QTreeView::item:hover, QListView::item:hover { background: $hover; }
QTreeView::item:selected, QListView::item:selected { background: $selected; color: $text; }
QListView::item { padding: 4px 8px; border-radius: 4px; }
QHeaderView { background: $panel; border: none; }
QHeaderView::section { background: $panel; color: $secondary; border: none; border-bottom: 1px solid $line;
                       padding: 3px 8px; font-size: $small; }
QHeaderView::section:hover { color: $text; }
QHeaderView::up-arrow { image: url(nnscope:arrow-up.svg); width: 10px; height: 10px; }
QHeaderView::down-arrow { image: url(nnscope:arrow-down.svg); width: 10px; height: 10px; }

QScrollArea, QScrollArea > QWidget > QWidget { background: $panel; border: none; }
QScrollBar { background: transparent; border: none; }
QScrollBar:vertical { width: 10px; margin: 0; }
QScrollBar:horizontal { height: 10px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 3px; margin: 2px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: $faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSlider { min-height: 20px; }
QSlider::groove:horizontal { height: 4px; background: $pressed; border-radius: 2px; }
QSlider::sub-page:horizontal { background: $accent; border-radius: 2px; }
QSlider::handle:horizontal { background: $text; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }
QSlider::handle:horizontal:focus { background: $accent; }
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled { background: $handle; }
QProgressBar { background: $pressed; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QLabel[role="secondary"], QLabel[role="small"] { color: $secondary; }
QLabel[role="small"] { font-size: $small; }
QLabel[role="heading"] { color: $secondary; font-size: $small; font-weight: 600; }
QLabel[role="title"] { font-size: 26px; font-weight: 600; }
QLabel[role="section"] { font-size: 15px; font-weight: 600; }
QFrame[role="line"] { background: $line; border: none; max-height: 1px; min-height: 1px; }
QWidget[role="ground"] { background: $ground; }
QWidget[role="bar"] { background: $panel; border-bottom: 1px solid $line; }
QWidget[role="banner"] { background: $warning; border-bottom: 1px solid $line; }
QSplitter::handle { background: transparent; }
QFrame[role="popup"], QDialog[role="popup"] { background: $popup; border: 1px solid $line; }
QPushButton[role="card"] { background: $panel; border: 1px solid $line; border-radius: 8px; text-align: left; }
QPushButton[role="card"]:hover { background: $control; border-color: $handle; }
QPushButton[role="card"]:focus { border-color: $accent; }
QPushButton[role="row"] { background: transparent; border: 1px solid transparent; text-align: left; padding: 6px 8px; }
QPushButton[role="row"]:hover { background: $hover; }
QPushButton[role="row"]:focus { border-color: $accent; }
"""
