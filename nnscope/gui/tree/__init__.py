"""The model tree: pure nodes (`nodes`, `filter`), the Qt model over them, the sparkline delegate and the panel."""
