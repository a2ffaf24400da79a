"""An effect that is off is not there: bit for bit, and without a draw that would shift another."""

import numpy as np
import pytest

from drivers.board import AUTO_GAIN
from drivers.published_board import Span
from memlab.array.board_array import BoardArray
from memlab.emulator import EmulatedBoard, load_preset
from tests.memlab.emulator.effects import ALL, EVERY, make

EFFECTS: dict[str, dict[str, float]] = {
    "set": {"set.full_voltage": 2.9},
    "gate threshold": {"set.gate_threshold": 0.8},
    "compliance": {"set.stop_voltage": 0.4, "set.full_voltage": 2.6, "wires.resistance": 0.3},
    "as read": {"set.as_read_resistance": 500.0},
    "reset": {"reset.full_voltage": 2.9, "reset.depth_slope": 1e-5},
    "noise in the level": {"noise": 4e-6, "set.noise_in_level": True},
    "reset gate": {"reset.full_gate": 6.0, "reset.gate_slope": 20e-6},
    "saturation": {"set_saturation": 1e-3},
    "onset": {"set_onset": 1e-4},
    "level": {"spread.set_level": 0.1},
    "cycle at the gate": {"spread.cycle_gate": 0.02},
    "tail": {"spread.cycle_gate": 0.02, "spread.cycle_tail": 3.0},
    "wide onset": {"set_onset": 1e-4, "spread.cycle_gate": 0.02, "spread.cycle_onset": 1.0},
    "slope": {"spread.set_slope": 0.1},
    "offset": {"spread.set_offset": 1e-5},
    "reset level": {"reset_conductance": 1e-5, "spread.reset": 0.3},
    "broad reset": {"reset_conductance": 1e-5, "spread.reset_log": 0.5},
    "broad reset pulses": {"reset_conductance": 1e-5, "spread.reset_cycle": 0.5},
    "cycle": {"spread.cycle": 0.05},
    "non-responsive": {"non_responsive": 0.2},
    "stuck": {"defects.stuck_on": 0.05, "defects.stuck_off": 0.05},
    "shorted lines": {"defects.short_rows": 0.05, "defects.short_columns": 0.1},
    "forming": {"forming.voltage": 2.5},
    "wear": {"wear.lifetime": 4.0, "wear.window_loss": 0.01},
    "relaxation": {"drift.relaxation": 1e-6, "drift.relaxation_time": 1e-3},
    "retention": {"drift.retention": 1e3},
    "white": {"read_noise.white": 0.02},
    "thermal": {"read_noise.bandwidth": 1e10},
    "flicker": {"read_noise.flicker": 0.02},
    "traps": {"read_noise.telegraph_traps": 0.5, "read_noise.telegraph_amplitude": 0.1},
    "state": {"read_noise.white": 0.02, "read_noise.state_exponent": 0.5},
    "telegraph": {"read_noise.telegraph_cells": 0.3, "read_noise.telegraph_amplitude": 0.1},
    "nonlinearity": {"nonlinearity.voltage": 0.3},
    "transistor": {"transistor.slope": 1e-3},
    "wires": {"wires.resistance": 0.3},
    "driver": {"wires.driver_resistance": 5.0},
    "dac offset": {"board.dac.offset": 1e-3},
    "dac gain": {"board.dac.gain": 1e-2},
    "dac inl": {"board.dac.inl": 1e-3},
    "settling": {"board.dac.settling": 3e-6},
    "amplifier offset": {"board.amplifier.offset": 1e-3},
    "mismatch": {"board.amplifier.mismatch": 0.01},
    "amplifier noise": {
        "board.amplifier.thermal_bandwidth": 1e6,
        "board.amplifier.voltage_noise": 4.3e-9,
    },
    "column": {"board.amplifier.column_capacitance": 1e-6},
    "adc inl": {"board.adc.inl": 3.0},
    "adc noise": {"board.adc.noise": 0.56},
    "adc offset": {"board.adc.offset": 3.0},
}


def operate(board: EmulatedBoard) -> list[np.ndarray]:
    """Program, wait, read and multiply; return all that can be seen."""
    array = BoardArray(board)
    rng = np.random.default_rng(7)
    array.program(rng.uniform(0.5, 2.5, (128, 64)))
    array.program(rng.uniform(0.5, 2.5, (128, 64)), reset=rng.random((128, 64)) < 0.5)
    array[:9].program(0.0, reset=np.ones((9, 64), bool), set=np.zeros((9, 64), bool))
    board.advance(100.0)
    vectors = Span.BIPOLAR_5.encode(rng.uniform(-0.02, 0.02, (40, 128)))
    seen = [board.chip.conductance]
    for samples in (board.read(ALL, 34079, 2), board.vmm(ALL, vectors, AUTO_GAIN)):
        seen += [samples.code, samples.gain]
    return seen


def same(first: list[np.ndarray], second: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("base", ["ideal", "ta-hfo2"])
def test_on_makes_a_difference_and_off_restores_every_bit(base: str, effect: str) -> None:
    preset = load_preset(base)
    on = preset.replace(**EFFECTS[effect])
    off = on.replace(**{name: _value(preset, name) for name in EFFECTS[effect]})
    reference = operate(EmulatedBoard(preset, 3))
    assert not same(operate(EmulatedBoard(on, 3)), reference)
    assert same(operate(EmulatedBoard(off, 3)), reference)


@pytest.mark.parametrize(("effect", "added"), [("cycle", 0.05 * 218e-6), ("adc noise", 0.0)])
def test_an_effect_leaves_the_pulse_noise_alone(effect: str, added: float) -> None:
    maps = []
    for extra in ({}, EFFECTS[effect]):
        board = EmulatedBoard(load_preset("ta-hfo2").replace(**extra), 3)
        operate(board)
        BoardArray(board).program(1.0, reset=EVERY)
        maps.append(board.chip.conductance)
    # Other pulse noise would add 5.7 uS.
    assert (maps[1] - maps[0]).std() == pytest.approx(added, rel=0.05)


def test_the_ideal_chip_is_exact() -> None:
    array, board = make("ideal")
    array.program(1.25)
    np.testing.assert_array_equal(board.chip.conductance, 98e-6 * 1.25 + 120e-6)


def _value(preset: object, name: str) -> object:
    for part in name.split("."):
        preset = getattr(preset, part)
    return preset
