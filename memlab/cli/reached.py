"""What became of the cells of a write-and-verify, in words."""

from __future__ import annotations

from typing import Any

__all__ = ["cells_reached"]


def cells_reached(document: dict[str, Any]) -> list[str]:
    """Return lines about the statistics of `memlab.mapping.summarise`."""
    cells, within = document["cells"], document["within_tolerance"]
    left = document["done"] - within
    beside = f", {left} left it after they were done and were let be" if left > 0 else ""
    lines = [
        f"{within} of {cells} cells within tolerance{beside}, {document['failed']} failed; "
        f"{document['rounds']} rounds, {document['set_per_cell']:.2f} SETs and "
        f"{document['reset_per_cell']:.2f} RESETs per cell"
    ]
    every, done = document["rms_error"], document["rms_error_done"]
    if every["value"] is not None:
        text = f"rms error {1e6 * every['value']:.2f} uS of all {every['n']} cells"
        if done["value"] is not None and done["n"] < every["n"]:
            text += f", {1e6 * done['value']:.2f} uS of the {done['n']} that are done"
        lines.append(text)
    return lines
