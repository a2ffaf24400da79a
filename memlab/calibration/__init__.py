"""What a board's static errors are, where that is kept, and how it is undone.

`record` holds the numbers and the formulas, `store` the versions of each board, `conversion` the
one place where codes become volts and amperes. How the numbers are measured stands in
`memlab.calibrate`.
"""

from memlab.calibration.static_errors import CalibrationRecord
from memlab.calibration.stored import Calibration

__all__ = ["Calibration", "CalibrationRecord"]
