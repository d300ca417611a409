"""The row of choices over the canvas: view, scale, colours, blocks, panes, scientific mode."""
