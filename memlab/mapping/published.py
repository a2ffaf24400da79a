"""The published placements (Wang et al., Nature Machine Intelligence 1, 434-442, 2019)."""

from __future__ import annotations

from memlab.mapping.floor_plan import Copies, FloorPlan, MatrixPlan

__all__ = ["cnn_plan", "conv_lstm_plan"]

STACKED, BESIDE = Copies(stacked=2), Copies(beside=2)


def cnn_plan() -> FloorPlan:
    """Return the five-level CNN on 123 x 59 good lines: 1,015 weights of two pairs each.

    The dense layer, 128 rows of pairs, is folded into chunks of 43 (86 rows of cells); the last
    chunk has one less, so that 20 of the 4,080 published cells carry no weight.
    """
    return FloorPlan(
        ((123, 59),),
        (
            MatrixPlan.placed("conv1", (9, 15), (87, 36), STACKED),
            MatrixPlan.placed("conv2", (60, 4), (3, 51), BESIDE),
            MatrixPlan.placed("dense", (64, 10), (37, 0), STACKED, chunks=3),
        ),
    )


def conv_lstm_plan() -> FloorPlan:
    """Return the ConvLSTM network on 128 x 64 lines: 850 weights of two pairs each."""
    return FloorPlan(
        ((128, 64),),
        (
            MatrixPlan.placed("conv_lstm", (29, 20), (66, 0), BESIDE),
            MatrixPlan.placed("dense", (45, 6), (30, 44), BESIDE),
        ),
    )
