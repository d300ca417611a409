"""Principal components by the shape of what is given, each with its certificate."""
