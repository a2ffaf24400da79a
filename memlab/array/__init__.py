"""Arrays: volts and siemens above, codes below, by the URL that names one.

The seam itself stands in `seam`; `board_array` and `ideal` implement it, and `urls` opens them.
"""

from memlab.array.measurement import Counts, Measurement
from memlab.array.seam import Array
from memlab.array.several import as_arrays
from memlab.array.wire_steps import nearest_step

__all__ = ["Array", "Counts", "Measurement", "as_arrays", "nearest_step"]
