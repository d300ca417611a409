"""Octrees: of a volume, with its leaves at chosen tolerances, and of the rows of a matrix as points (methods.md §6).

The tree of a volume is built once for a tensor and kept, so that moving a tolerance costs the cut alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnscope.views.analyses.base import Found, Method, Work, matrices, volumes
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from nnscope.compute.octree.dense import DenseOctree
    from nnscope.compute.octree.nodes import Nodes
    from nnscope.core.request import Scalar

LEAVES = "octree-leaves"
FIELDS = ("mean", "min", "max", "variance", "count")


def tree_of(work: Work) -> DenseOctree:
    """All blocks over the tensor, kept under the engine's byte budget."""
    from nnscope.compute.octree.dense import dense_octree

    info = work.reader.info

    def nbytes(tree: DenseOctree) -> int:
        return int(tree.values.nbytes + sum(level.nbytes for level in (*tree.levels, *tree.odd)))

    key = ("octree", info.address, info.version)
    tree: DenseOctree = work.context.memo(key, lambda: dense_octree(work.values(), work.progress), nbytes)
    return tree


def _leaves(work: Work) -> Found:
    from nnscope.compute.octree.cut import cut, cut_leaves
    from nnscope.compute.octree.nodes import Tolerance

    settings = work.settings
    tolerance = Tolerance(settings["epsilon"], settings["tau"], settings["density"])
    found = cut(tree_of(work), tolerance)
    leaves = cut_leaves(found)
    arrays = {**_arrays(leaves), "nonfinite": leaves.nonfinite}
    facts: dict[str, Scalar] = {
        "leaf_count": found.leaf_count,
        "node_count": found.node_count,
        "compression": float(found.compression),
        "max_error": float(found.max_error),
    }
    return Found(arrays, facts)


def _rows(work: Work) -> Found:
    """Rows as points on a grid over their first three principal coordinates, each with its norm."""
    from nnscope.compute.octree.nodes import Tolerance
    from nnscope.compute.octree.points import merge, point_octree
    from nnscope.compute.pca.components import pca

    settings = work.settings
    rows = work.values().reshape(work.reader.info.shape[0], -1)
    found = pca(rows, 3, check=work.context.check)
    places, rows = found.scores[found.valid][:, ::-1], rows[found.valid]  # z, y, x: the first component is x
    low, side = _range(places)
    grid = 1 << settings["depth"]
    cells = np.minimum((places - low) * (grid / side), grid - 1).astype(np.int32)
    tree = point_octree(cells, np.linalg.norm(rows.astype(np.float64), axis=1), settings["depth"])
    leaves = merge(tree, Tolerance(settings["epsilon"], settings["tau"])).nodes.leaves
    facts: dict[str, Scalar] = {
        "leaf_count": len(leaves),
        "node_count": len(tree.nodes),
        "points": len(rows),
        "explained": float(found.explained_ratio.sum()),
        "side": side / grid,
    }
    return Found(_arrays(leaves), facts)


def _range(places: np.ndarray) -> tuple[np.ndarray, float]:
    """The lower corner of the cube around some places, and its side; of 1 around a single one."""
    if not len(places):
        return np.zeros(3), 1.0
    low = places.min(axis=0)
    return low, float((places.max(axis=0) - low).max()) or 1.0


def _arrays(nodes: Nodes) -> dict[str, np.ndarray]:
    return {"origin": nodes.origin, "side": nodes.side, **{name: getattr(nodes, name) for name in FIELDS}}


METHODS = (
    Method(
        "row-octree",
        "Rows as points, by an octree",
        matrices,
        _rows,
        (Setting("depth", 6, 0, 20), Setting("epsilon", math.inf, 0), Setting("tau", math.inf, 0)),
    ),
    Method(
        LEAVES,
        "Leaves of the octree",
        volumes,
        _leaves,
        (Setting("epsilon", 0.0, 0), Setting("tau", math.inf, 0), Setting("density", 0.0, 0, 1e6)),
    ),
)
