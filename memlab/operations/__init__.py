"""One-off operations at the bench: read a map, program a target, multiply vectors."""

from memlab.array.load_choice import LoadChoice
from memlab.operations.program import ProgramConfig, program_target, resume_program
from memlab.operations.read import read_map
from memlab.operations.vmm import multiply

__all__ = [
    "LoadChoice",
    "ProgramConfig",
    "multiply",
    "program_target",
    "read_map",
    "resume_program",
]
