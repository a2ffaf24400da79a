"""Arrays: volts and siemens above, codes below, by the URL that names one.

The seam itself stands in `seam`; `board_array` and `ideal` implement it, and `urls` opens them.
"""

from memlab.array.seam import Array, BoolArray, Counts, FloatArray, Measurement, nearest_step

__all__ = ["Array", "BoolArray", "Counts", "FloatArray", "Measurement", "nearest_step"]
