"""Where the matrices of an experiment lie: as published, or wherever its arrays have room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from memlab.array import Array
from memlab.errors import SettingError
from memlab.mapping import FloorPlan, MatrixPlan, Request, place
from memlab.settings import Section

__all__ = ["PlacedSection", "floor_plan"]


class PlacedSection(Section):
    """Settings of a network that was published with its place on the chip."""

    placement: Literal["published", "automatic"] = Field(
        "published",
        description="Where the matrices lie: as published on one array, or wherever there is room "
        "on one or several.",
    )


def floor_plan(
    what: str,
    published: Sequence[MatrixPlan],
    network: PlacedSection,
    arrays: Sequence[Array],
    slices: int = 1,
) -> FloorPlan:
    """Return where the matrices of a network lie on these arrays.

    Parameters
    ----------
    what
        The network, for messages: "the LSTM of 15 units".
    published
        Its matrices where they were published, on array 0.
    network
        Says whether they go there.
    arrays
        What there is.
    slices
        Of each matrix (`mapping.slices`); more than one are placed automatically.

    Raises
    ------
    SettingError
        If they do not fit.
    """
    shapes = tuple(array.shape for array in arrays)
    if network.placement == "automatic":
        requests = [Request(m.name, m.inputs, m.outputs, m.copies, slices) for m in published]
        return place(requests, shapes)
    if slices > 1:
        raise SettingError(
            f"{what} was published without slices, and mapping.slices={slices}: "
            "set network.placement=automatic"
        )
    if len(arrays) > 1:
        raise SettingError(
            f"{what} was published on one array, not on {len(arrays)}: "
            "set network.placement=automatic, or name one board"
        )
    try:
        return FloorPlan(shapes, tuple(published))
    except SettingError as error:
        raise SettingError(
            f"{what} does not fit where it was published: {error}. "
            "network.placement=automatic looks for room, also on several boards"
        ) from error
