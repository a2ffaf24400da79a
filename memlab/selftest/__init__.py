"""The self-test of a board: every line that lies outside what boards do is named. It only reads.

Cells are left as they are, and every voltage stays within the read limit, so the test may run at
any time. What it cannot tell from outside, a broken cell from a broken channel, it does not guess.
"""

from memlab.selftest.checks import Item
from memlab.selftest.run import run_selftest

__all__ = ["Item", "run_selftest"]
