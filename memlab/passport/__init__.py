"""The passport of a chip: one file that knows what every cell has been through.

The array writes it (see `recording`), procedures ask it what is formed and which lines are good,
and budgets refuse the pulse that would be one too many. It knows nothing of boards and codes.
"""

from memlab.passport.budgets import Budgets
from memlab.passport.passport import Passport
from memlab.passport.pulses import Outcome, RowPulses

__all__ = ["Budgets", "Outcome", "Passport", "RowPulses"]
