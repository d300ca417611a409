"""A volume or a set of points as a tree of boxes: built, cut by a tolerance, put together again."""
