"""The inspector: facts, statistics, histogram, layout, singular values and recipe of the active pane's tensor."""
