"""Made-up images in the layout of MNIST: a digit lights its own row, column and corner.

python made_up_digits.py FILE
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np


def write_digits(path: Path, seed: int = 3) -> Path:
    """Write 400 images of 8 x 8 for training and 100 for test; return the file."""
    rng = np.random.default_rng(seed)

    def draw(count: int) -> tuple[Any, Any]:
        label = (np.arange(count) % 10).astype(np.uint8)
        images = rng.integers(0, 60, (count, 8, 8)).astype(np.uint8)
        for image, digit in zip(images, label, strict=True):
            image[digit % 8] = 200
            image[:, (3 * digit) % 7] = 230
        return images, label

    x_train, y_train = draw(400)
    x_test, y_test = draw(100)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


if __name__ == "__main__":
    write_digits(Path(sys.argv[1]))
