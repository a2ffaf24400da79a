"""The array in PyTorch: forward on the chip, backward in software, pulses after every step.

    with memlab.open_array("emulator:?seed=7&chip=ta-hfo2") as array:
        layer = crossbar_layers(array, {"hidden": (2, 16), "out": (16, 2)})
        model = torch.nn.Sequential(layer["hidden"], torch.nn.Tanh(), layer["out"])
        initialise(model)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        in_situ(optimizer, model)
        for x, y in batches:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()

A `CrossbarLinear` has the parameters of `torch.nn.Linear`. What they hold was read back from the
array; what they are moved to - by an optimizer, by `load_state_dict`, by hand - is a wish, until
`program` asks the array for the difference and puts what came of it in its place. `in_situ` does
that after each step of an optimizer. Forward is refused while there is such a wish, and backward
uses the weights that were read back last. `record` makes a run of a training: file, log and
picture.

Needs PyTorch: `python -m pip install torch`, the CPU build is enough. Nothing else in memlab
imports this module.
"""

from __future__ import annotations

from drivers.extras import pip_command

try:
    import torch as _torch  # noqa: F401 - says at once, and in words, when it is missing
except ImportError as error:
    raise ImportError(
        f"memlab.torch needs PyTorch: {pip_command('torch')}, or only the CPU build: "
        "python -m pip install torch --index-url https://download.pytorch.org/whl/cpu"
    ) from error

from memlab.torch.in_situ import in_situ, initialise, program, read_back, read_scale
from memlab.torch.layers import crossbar_layers, ta_hfo2_rule
from memlab.torch.linear import CrossbarLinear
from memlab.torch.module import CrossbarModule, Part, PhysicalLinear
from memlab.torch.noise_aware import WritingErrors, noise_aware
from memlab.torch.placing import place
from memlab.torch.recording import TorchRun, record
from memlab.torch.writing import write, write_in_turn

__all__ = [
    "CrossbarLinear",
    "CrossbarModule",
    "Part",
    "PhysicalLinear",
    "TorchRun",
    "WritingErrors",
    "crossbar_layers",
    "in_situ",
    "initialise",
    "noise_aware",
    "place",
    "program",
    "read_back",
    "read_scale",
    "record",
    "ta_hfo2_rule",
    "write",
    "write_in_turn",
]
