"""Boards and truths that settings of several procedures share."""

from __future__ import annotations

__all__ = ["BOARD"]

BOARD = {
    "board__dac__offset": 0.67e-3,
    "board__dac__gain": 2.7e-4,
    "board__dac__inl": 2.0e-4,
    "board__amplifier__offset": 0.23e-3,
    "board__amplifier__mismatch": 1e-3,
    "board__adc__offset": 1.0,
    "board__adc__noise": 0.56,
}
"""Static errors of a board as the data sheets have them, and nobody has calibrated it."""
