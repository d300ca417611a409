"""What is open and how it is shown, without a window: intent (`state`), reality (`library`), and what follows.

`Workspace` holds what the user asked for, as frozen values with undo. `Library` holds what is open: engines, listings,
statistics and tiles as they arrive. `resolve` joins both, purely; `compose` turns the result into a `Frame`;
`Controller` asks engines for what a frame lacks and tells when to draw again.
"""
