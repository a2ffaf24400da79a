"""How many lines a chip has, as people write it: rows x columns."""

from __future__ import annotations

import re

from memlab.errors import SettingError

__all__ = ["LARGEST", "PUBLISHED", "parse_shape", "shape_text"]

PUBLISHED = (128, 64)
"""Rows and columns of the published chip, and of every array that does not say otherwise."""

LARGEST = 1 << 24
"""Cells of the largest array in this process: 128 MiB of conductances."""


def parse_shape(text: str) -> tuple[int, int]:
    """Return (rows, columns) of a text such as 64x64.

    Raises
    ------
    SettingError
        If it says nothing of the kind, or more cells than `LARGEST`.
    """
    found = re.fullmatch(r"([1-9][0-9]{0,8})x([1-9][0-9]{0,8})", text)
    if found is None:
        raise SettingError(
            f"{text!r} is no shape; it must be rows x columns, both at least 1, for example 64x64"
        )
    rows, columns = int(found[1]), int(found[2])
    if rows * columns > LARGEST:
        raise SettingError(
            f"{rows} x {columns} cells are too many; allowed: {LARGEST} in all, for example "
            "4096x4096"
        )
    return rows, columns


def shape_text(shape: tuple[int, int]) -> str:
    """Return rows and columns as `parse_shape` reads them."""
    return f"{shape[0]}x{shape[1]}"
