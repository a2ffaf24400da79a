"""Bench script: read the map, program a row, multiply a vector, ground.

    python scripts/first_steps.py --board "emulator:?seed=7&chip=ta-hfo2"

Changes the device: RESETs and SETs the chosen row once.
"""

import argparse
import sys

import numpy as np

import memlab
from memlab.errors import exit_code


def main() -> int:
    """Run the steps on the board of `--board` and print what was measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--board", default="emulator:?seed=7&chip=ta-hfo2", help="board URL")
    parser.add_argument("--row", type=int, default=3, help="row to program")
    parser.add_argument("--gate", type=float, default=1.2, help="gate voltage of the SET, in V")
    arguments = parser.parse_args()

    try:
        # However the block ends, every line is grounded and the board is released.
        with memlab.open_array(arguments.board) as array:
            show("map before", array.read_conductance())

            array.reset_row(arguments.row)
            array.program_row(arguments.row, arguments.gate)
            show(f"row {arguments.row} after", array[arguments.row].read_conductance())

            voltage = np.zeros(array.shape[0])
            voltage[arguments.row] = 0.1
            current = array.vmm(voltage)
            print(f"vmm: {current.mean() * 1e6:.2f} uA mean of {current.size} columns at 0.1 V")
            array.ground()
    except (memlab.MemlabError, IndexError) as error:
        print(f"first_steps: {error}", file=sys.stderr)
        return exit_code(error) if isinstance(error, memlab.MemlabError) else 2
    return 0


def show(what: str, conductance: np.ndarray) -> None:
    """Print mean and spread of a conductance map (S)."""
    micro = conductance * 1e6
    print(f"{what}: {micro.mean():.2f} uS mean, {micro.std():.2f} uS standard deviation")


if __name__ == "__main__":
    sys.exit(main())
