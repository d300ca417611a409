"""The octree of a volume and its leaves at chosen tolerances (methods.md §6).

The tree is built once for a tensor and kept, so that moving a tolerance costs the cut alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from nnscope.views.analyses.base import Found, Method, Work, volumes
from nnscope.views.setting import Setting

if TYPE_CHECKING:
    from nnscope.compute.octree.dense import DenseOctree
    from nnscope.core.request import Scalar

LEAVES = "octree-leaves"


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
    arrays = {
        "origin": leaves.origin,
        "side": leaves.side,
        "mean": leaves.mean,
        "min": leaves.min,
        "max": leaves.max,
        "variance": leaves.variance,
        "count": leaves.count,
        "nonfinite": leaves.nonfinite,
    }
    facts: dict[str, Scalar] = {
        "leaf_count": found.leaf_count,
        "node_count": found.node_count,
        "compression": float(found.compression),
        "max_error": float(found.max_error),
    }
    return Found(arrays, facts)


METHODS = (
    Method(
        LEAVES,
        "Leaves of the octree",
        volumes,
        _leaves,
        (Setting("epsilon", 0.0, 0), Setting("tau", math.inf, 0), Setting("density", 0.0, 0, 1e6)),
    ),
)
