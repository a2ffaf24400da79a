"""The data sets of the published experiments.

Airline comes with memlab; synthetic gait is made on the spot. Everything else is looked for in the
data directory (`store.data_directory`), and nothing is downloaded unless `fetch_mnist` is called.
"""

from memlab.datasets.airline import Airline, load_airline
from memlab.datasets.catalog import CATALOG, Entry, Status, look
from memlab.datasets.digit_sequences import CLASSES, DigitSequences, make_digit_sequences
from memlab.datasets.download import fetch_mnist
from memlab.datasets.gait import Gait, load_gait
from memlab.datasets.mnist import Mnist, load_mnist, load_mnist_8x8, to_8x8
from memlab.datasets.series import Series, find_series, load_series
from memlab.datasets.sound import LogMel
from memlab.datasets.store import MissingDataError, data_directory
from memlab.datasets.synthetic_gait import make_gait
from memlab.datasets.wafer import Wafer, load_wafer

__all__ = [
    "CATALOG",
    "CLASSES",
    "Airline",
    "DigitSequences",
    "Entry",
    "Gait",
    "LogMel",
    "MissingDataError",
    "Mnist",
    "Series",
    "Status",
    "Wafer",
    "data_directory",
    "fetch_mnist",
    "find_series",
    "load_airline",
    "load_gait",
    "load_mnist",
    "load_mnist_8x8",
    "load_series",
    "load_wafer",
    "look",
    "make_digit_sequences",
    "make_gait",
    "to_8x8",
]
