"""The one way in which a run begins and ends, whatever its kind.

Nothing else opens arrays for a run, makes its file, enters it into a passport, sets its status or
says where its picture lies. What a kind adds is what it does in between.
"""

from memlab.session.arrays import check_boards, open_arrays, open_chip, total_counts
from memlab.session.checkpoint import Checkpoint, find_checkpoint
from memlab.session.chip_start import forget_chip, keep_chip, put_chip_back
from memlab.session.config_file import ConfigFile, configure, read_config
from memlab.session.ending import named_in_errors
from memlab.session.files import create_run_file, place_for
from memlab.session.limits import recorded_limits
from memlab.session.request import UNLABELLED, Labels, Request
from memlab.session.resuming import check_resumable, finish_up, open_unfinished
from memlab.session.same_board import Vouched
from memlab.session.session import Session, Told, added, enter_passports, meter, recorded, written

__all__ = [
    "UNLABELLED",
    "Checkpoint",
    "ConfigFile",
    "Labels",
    "Request",
    "Session",
    "Told",
    "Vouched",
    "added",
    "check_boards",
    "check_resumable",
    "configure",
    "create_run_file",
    "enter_passports",
    "find_checkpoint",
    "finish_up",
    "forget_chip",
    "keep_chip",
    "meter",
    "named_in_errors",
    "open_arrays",
    "open_chip",
    "open_unfinished",
    "place_for",
    "put_chip_back",
    "read_config",
    "recorded",
    "recorded_limits",
    "total_counts",
    "written",
]
