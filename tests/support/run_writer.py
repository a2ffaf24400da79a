"""A process that writes a run file as it is told to, and can be killed."""

import sys
from pathlib import Path

import numpy as np
from support.started import start
from support.training_file import append_updates, begin_training


def write(path: str) -> None:
    """Be that process."""
    config = '{"train": {"epochs": 6}}'
    run = begin_training(Path(path), [4, 6], [1, 2, 5], chunk=16, config=config)
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


class Writer:
    """A process that writes what it is told."""

    def __init__(self, path: Path):
        self.process = start("support.run_writer:write", str(path))
        assert self._hear() == "ready"

    def tell(self, what: str) -> str:
        print(what, file=self.process.stdin, flush=True)
        return self._hear()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _hear(self) -> str:
        return str(self.process.stdout.readline()).strip()
