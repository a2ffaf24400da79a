"""Bench script: train a network of one's own in situ with PyTorch, on two interleaved moons.

    python scripts/torch_in_situ.py --board "emulator:?chip=ta-hfo2&seed=1"

Needs PyTorch (the CPU build). Changes the device: RESETs and SETs 6 x 16 and 34 x 2 cells, then
pulses them in training.
"""

import argparse
import sys

import numpy as np
import torch

import memlab
from memlab.torch import crossbar_layers, in_situ, initialise


def main() -> int:
    """Train on the board of `--board`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--board", default="emulator:?chip=ta-hfo2&seed=1", help="board URL")
    parser.add_argument("--epochs", type=int, default=25, help="passes over the 200 points")
    parser.add_argument("--seed", type=int, default=1, help="of points and batches")
    arguments = parser.parse_args()
    try:
        with memlab.open_array(arguments.board) as array:
            train(array, arguments.epochs, arguments.seed)
            print(f"{array.counts.set} SETs, {array.counts.reset} RESETs, {array.counts.vmm} VMMs")
    except memlab.MemlabError as error:
        print(f"torch_in_situ: {error}", file=sys.stderr)
        return 1
    return 0


def train(array: memlab.Array, epochs: int, seed: int) -> float:
    """Train a network of 16 hidden units on an array; return its accuracy on 1000 new points."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # threads only wait for each other in a network this small
    x, y = moons(200, seed)
    x_test, y_test = moons(1000, seed + 1000)
    layer = crossbar_layers(array, {"hidden": (2, 16), "out": (16, 2)})
    model = torch.nn.Sequential(layer["hidden"], torch.nn.Tanh(), layer["out"])
    initialise(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    in_situ(optimizer, model)  # from here on, every step is programmed and read back
    for epoch in range(1, epochs + 1):
        for batch in torch.randperm(len(x)).split(20):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
        if epoch % 5 == 0:
            print(f"epoch {epoch}: loss {loss:.3f}")
    accuracy = (model(x_test).argmax(dim=1) == y_test).double().mean().item()
    print(f"test accuracy {accuracy:.1%}")
    return accuracy


def moons(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return points of two interleaved half circles, and which; a line parts them to 88 %."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    angle = np.pi * rng.random(count)
    side = 1 - 2 * label
    points = np.stack([label + side * np.cos(angle), label / 2 + side * np.sin(angle)], axis=1)
    points += 0.1 * rng.standard_normal(points.shape) - [0.5, 0.25]
    return torch.tensor(points, dtype=torch.float32), torch.tensor(label)


if __name__ == "__main__":
    sys.exit(main())
