"""Names and whole files: what every output of memlab goes through, whatever its format."""

from memlab.storage.files import (
    check_new,
    make_directory,
    remove_parts,
    second_of,
    write_generation,
    write_measured,
    write_new,
    write_over,
)
from memlab.storage.inputs import require_file
from memlab.storage.names import DEFAULT_DIRECTORY, default_path, name_stamp, new_serial
from memlab.storage.numbers import load_npy
from memlab.storage.seal import Seal, check_seal, has_seal, seal, sealed, unsealed
from memlab.storage.spare import reason_of, spare_directories
from memlab.storage.state import State, pack_state, read_state, write_state

__all__ = [
    "DEFAULT_DIRECTORY",
    "Seal",
    "State",
    "check_new",
    "check_seal",
    "default_path",
    "has_seal",
    "load_npy",
    "make_directory",
    "name_stamp",
    "new_serial",
    "pack_state",
    "read_state",
    "reason_of",
    "remove_parts",
    "require_file",
    "seal",
    "sealed",
    "second_of",
    "spare_directories",
    "unsealed",
    "write_generation",
    "write_measured",
    "write_new",
    "write_over",
    "write_state",
]
