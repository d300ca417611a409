"""Dialogs: save a picture, command palette, shortcut list, about. All are opened without blocking."""
