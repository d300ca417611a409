"""The row of choices over the canvas: view, normalisation, colours, reduction, panes, live model, scientific mode."""
