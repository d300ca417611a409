"""Recorded runs: a folder of sealed segments that no crash can harm (promises P14–P17).

- `record`: what one step leaves behind.
- `seal`: the envelope that finds any flipped bit; `encode` and `decode`: what is inside, HDF5.
- `folder`: names, `meta.json`, and how a file gets its name; `writer` and `compaction` write, `reader` reads.
- `verify`: how much of a run is whole, and a new run of what is.
"""
