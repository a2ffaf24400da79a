"""A process that writes a run file as it is told to, and can be killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

WRITER = """
import sys
from pathlib import Path
import numpy as np
from memlab.runs import Family, RunFile, schema_attributes
attributes = schema_attributes("airline", Family.EXPERIMENT)
run = RunFile(Path(sys.argv[1]), "a training", {**attributes, "board": "ideal:", "seed": 3})
run.group("config", "NXcollection", {"json": '{"train": {"epochs": 6}}'})
run.group("training", "NXdata", {"signal": "loss"})
run.scale("training/update", None, "1", "Number of the update")
for name, dtype in (("loss", "f8"), ("epoch", "i4")):
    run.declare(f"training/{name}", dtype, ("training/update",), "1", name, 16)
run.group("dense", "NXdata", {"signal": "conductance"})
run.scale("dense/update", None, "1", "Number of the update")
run.scale("dense/row", [4, 6], "1", "Row")
run.scale("dense/column", [1, 2, 5], "1", "Column")
of = ("dense/update", "dense/row", "dense/column")
run.declare("dense/conductance", "f8", of, "S", "Conductance", 1)
run.start()
update = 0
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "close":
        run.close("finished", {"metrics.final_loss": 0.5})
        print("closed", flush=True)
        break
    for _ in range(int(line)):
        run.append("training/loss", [1.0 / (1 + update)])
        run.append("training/epoch", [update // 2])
        run.append("training/update", [update])
        run.append("dense/conductance", update + 1e-6 * np.arange(6.0).reshape(1, 2, 3))
        run.append("dense/update", [update])
        update += 1
    run.flush()
    print("written", flush=True)
"""


class Writer:
    """A process that writes what it is told."""

    def __init__(self, path: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._hear() == "ready"

    def tell(self, what: str) -> str:
        assert self.process.stdin is not None
        print(what, file=self.process.stdin, flush=True)
        return self._hear()

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()
