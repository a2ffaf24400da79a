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
from support.training_file import append_updates, begin_training
config = '{"train": {"epochs": 6}}'
run = begin_training(Path(sys.argv[1]), [4, 6], [1, 2, 5], chunk=16, config=config)
update = 0
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "close":
        run.close("finished", {"metrics.final_loss": 0.5})
        print("closed", flush=True)
        break
    for _ in range(int(line)):
        maps = update + 1e-6 * np.arange(6.0).reshape(1, 2, 3)
        append_updates(run, np.array([update]), np.array([update // 2]), maps)
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
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
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
