"""The timeline of a recorded run: steps to go through, to play, and numbers over them."""
