"""From weights to conductances: differential pairs, where they lie, and how they change."""

from memlab.array.switching_law import SwitchingLaw
from memlab.mapping.block import Block, pair_conductance, pair_weight
from memlab.mapping.denoise import Denoised, denoise
from memlab.mapping.differential import DifferentialMatrix, tile_weights
from memlab.mapping.floor_plan import Copies, FloorPlan, MatrixPlan, Tile, cut
from memlab.mapping.given_weights import pair_targets, start_at
from memlab.mapping.layout import Layout, pair_rows
from memlab.mapping.packing import Request, place
from memlab.mapping.placed_matrix import placed_matrix
from memlab.mapping.published import cnn_plan, conv_lstm_plan
from memlab.mapping.read_scale import ReadScale
from memlab.mapping.settings import LI_2019, TA_HFO2, MappingConfig
from memlab.mapping.slices import SlicedMatrix, SliceTraining, held_in_slices
from memlab.mapping.spare import spare_views
from memlab.mapping.switching import measure_switching_law
from memlab.mapping.update import DirectUpdate, OneShotUpdate, ProgrammedUpdate, UpdateRule
from memlab.mapping.views import cells_within
from memlab.mapping.write_verify import (
    PULSE_UNITS,
    Round,
    WriteVerify,
    WriteVerifyResult,
    check_target,
    merged,
    summarise,
    write_verify,
)
from memlab.mapping.writing import Writing, WrittenSlice, write_weights
from memlab.mapping.writing_errors import WritingErrors, disturb, learnt, settle

__all__ = [
    "LI_2019",
    "PULSE_UNITS",
    "TA_HFO2",
    "Block",
    "Copies",
    "Denoised",
    "DifferentialMatrix",
    "DirectUpdate",
    "FloorPlan",
    "Layout",
    "MappingConfig",
    "MatrixPlan",
    "OneShotUpdate",
    "ProgrammedUpdate",
    "ReadScale",
    "Request",
    "Round",
    "SliceTraining",
    "SlicedMatrix",
    "SwitchingLaw",
    "Tile",
    "UpdateRule",
    "WriteVerify",
    "WriteVerifyResult",
    "Writing",
    "WritingErrors",
    "WrittenSlice",
    "cells_within",
    "check_target",
    "cnn_plan",
    "conv_lstm_plan",
    "cut",
    "denoise",
    "disturb",
    "held_in_slices",
    "learnt",
    "measure_switching_law",
    "merged",
    "pair_conductance",
    "pair_rows",
    "pair_targets",
    "pair_weight",
    "place",
    "placed_matrix",
    "settle",
    "spare_views",
    "start_at",
    "summarise",
    "tile_weights",
    "write_verify",
    "write_weights",
]
