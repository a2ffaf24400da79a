"""Names and whole files: what every output of memlab goes through, whatever its format."""

from memlab.storage.files import make_directory, write_measured, write_new, write_over
from memlab.storage.inputs import require_file
from memlab.storage.names import DEFAULT_DIRECTORY, default_path, name_stamp
from memlab.storage.numbers import load_npy
from memlab.storage.seal import Seal, check_seal, seal
from memlab.storage.spare import reason_of, spare_directories
from memlab.storage.state import State, read_state, write_state

__all__ = [
    "DEFAULT_DIRECTORY",
    "Seal",
    "State",
    "check_seal",
    "default_path",
    "load_npy",
    "make_directory",
    "name_stamp",
    "read_state",
    "reason_of",
    "require_file",
    "seal",
    "spare_directories",
    "write_measured",
    "write_new",
    "write_over",
    "write_state",
]
