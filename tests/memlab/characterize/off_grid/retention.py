"""Retention away from the defaults."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from support.known_chips import Known

from memlab.regions import Region
from tests.memlab.characterize.off_grid.harness import Setting

__all__ = ["SETTINGS"]


def as_read(relaxation: float) -> Callable[[Known], float]:
    """Return what readings show of a relaxation (S/decade) of the cells, behind wires.

    Of G behind a resistance R they show G' = G / (1 + R G), and of a change (G' / G)^2 of it.
    """

    def shown(known: Known) -> float:
        there = known.chip.conductance[np.ix_(known.record.rows, known.record.columns)]
        read = known.record.conductance[-1]
        high = read > 50e-6
        part = read[high] / there[known.record.mask][high]
        return relaxation * float(np.median(part)) ** 2

    return shown


BENCH = {"read_noise__white": 0.01, "spread__set_slope": 0.03, "spread__set_offset": 3e-6}

SETTINGS = [
    Setting(
        "relaxation, from 0.17 s",
        {"relaxation_mean": -1e-6, "relaxation": 2e-6},
        {**BENCH, "drift__relaxation": 2e-6, "drift__relaxation_mean": -1e-6},
        settings={"first": 0.17, "ratio": 2.7, "duration": 3e3},
        region=Region(rows="2:14", columns="1:11"),
    ),
    Setting(
        "tau 100 s, from 0.17 s",
        {"retention": 100.0, "stretch": 0.5, "relaxation": 1e-6},
        {**BENCH, "drift__retention": 100.0, "drift__relaxation": 1e-6},
        settings={"first": 0.17, "ratio": 2.3, "duration": 2e3},
        shape=(20, 14),
        region=Region(rows="4:"),
    ),
    Setting(
        "a single row, fast and steep",
        {"retention": 7.0, "stretch": 0.9, "relaxation_mean": 1e-6},
        {
            "read_noise__white": 0.003,
            "drift__retention": 7.0,
            "drift__stretch": 0.9,
            "drift__relaxation": 5e-7,
            "drift__relaxation_mean": 1e-6,
        },
        settings={"first": 0.03, "ratio": 1.9, "duration": 40.0, "set_states": 2},
        shape=(5, 64),
        region=Region(rows="3"),
    ),
    Setting(
        "an end of 90 uS, hot",
        # 0.8 eV from 300 K to 340 K, k_B = 8.617333e-5 eV/K (CODATA).
        {"retention": 1e5 / 38.116, "end_conductance": 90e-6},
        {
            **BENCH,
            "drift__retention": 1e5,
            "drift__stretch": 0.6,
            "drift__final_conductance": 90e-6,
            "drift__activation_energy": 0.8,
            "temperature": 340.0,
        },
        settings={"first": 0.4, "ratio": 2.1, "duration": 3e4, "set_states": 5},
        shape=(24, 10),
    ),
    Setting(
        "late onset, wires, a real board",
        {"relaxation_mean": as_read(-3e-6)},
        {
            "drift__relaxation_mean": -3e-6,
            "drift__relaxation": 2e-6,
            "drift__relaxation_time": 20.0,
        },
        preset="ta-hfo2-full",
        settings={"first": 0.7, "ratio": 3.1, "duration": 2e4, "relaxation_time": 20.0},
        shape=(14, 12),
    ),
    Setting(
        "telegraph and 1/f noise",
        {"relaxation_mean": 2e-6},
        {
            "drift__relaxation_mean": 2e-6,
            "drift__relaxation": 1e-6,
            "read_noise__flicker": 0.006,
            "read_noise__telegraph_cells": 0.2,
            "read_noise__telegraph_amplitude": 0.05,
            "read_noise__dwell_minimum": 0.2,
        },
        settings={"gate_minimum": 1.1, "gate_maximum": 2.2, "set_states": 3, "first": 0.23},
        region=Region(columns="3:9"),
    ),
    Setting(
        "retention that is hardly seen",
        {"relaxation_mean": -1e-6},
        {
            "noise": 5e-6,
            "read_noise__white": 0.004,
            "drift__relaxation": 1e-6,
            "drift__relaxation_mean": -1e-6,
            "drift__retention": 1e9,
        },
        settings={"first": 0.3, "ratio": 2.0, "duration": 1e4},
    ),
    Setting(
        "tau beyond the test",
        {"relaxation_mean": 0.0},
        {**BENCH, "drift__retention": 1e10, "drift__relaxation": 1e-6},
        settings={"first": 0.17, "ratio": 2.7, "duration": 300.0},
        undetermined=("retention", "stretch"),
    ),
]
