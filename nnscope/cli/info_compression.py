"""Codes at equal bytes in ``nnscope info``: as part of the document, and as cells of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nnscope.fields.compression import CompressionTable
    from nnscope.tensor import Tensor

LARGEST = 1 << 20  # values; a field of more takes minutes
COMPRESSION_COLUMNS = ("flatness", "gain dB", "field dB", "best code", "best dB")

_FITTING = 256  # bytes that are read while a value is fitted; roughly


def compression_of(tensor: Tensor) -> CompressionTable | None:
    """The table of a tensor of two or more axes; None for others, large ones, and values that can't be shown."""
    from nnscope.core.errors import NnscopeError

    if not _is_coded(tensor):
        return None
    try:
        return tensor.compression()
    except NnscopeError:  # values that are not finite, or no real numbers
        return None


def compression_cost(tensor: Tensor) -> int:
    """How long it takes, in bytes that are read in that time; roughly."""
    return _FITTING * tensor.size if _is_coded(tensor) else 0


def compression_entry(table: CompressionTable) -> dict[str, Any]:
    """What the document says of a table: SNR and PSNR in dB, and what any smooth code gains at most."""
    return {
        "bytes": table.nbytes,
        "flatness": table.flatness,
        "gain": table.gain,
        "best": table.best.name,
        "codes": [{"name": row.name, "bytes": row.nbytes, "psnr": row.psnr, "snr": row.snr} for row in table.rows],
    }


def compression_cells(table: CompressionTable | None) -> tuple[str, ...]:
    """The cells under `COMPRESSION_COLUMNS`, with SNR of the codes; empty where there is no table."""
    if table is None:
        return ("",) * len(COMPRESSION_COLUMNS)
    field, best = table.rows[0], table.best
    return f"{table.flatness:.3g}", f"{table.gain:.1f}", f"{field.snr:.1f}", best.name, f"{best.snr:.1f}"


def _is_coded(tensor: Tensor) -> bool:
    return tensor.ndim >= 2 and 1 < tensor.size <= LARGEST and not tensor.unreadable
