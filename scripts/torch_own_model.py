"""Bench script: a PyTorch model with a forward of its own, on one chip, several, or a wire.

    python scripts/torch_own_model.py --board "emulator:?chip=ta-hfo2&seed=7"
    python scripts/torch_own_model.py --board emulator:?shape=32x20 --board socket://HOST:PORT

The three lines that put it there are marked. The task: which third of nine words is the most
frequent in a sentence of seven. Needs PyTorch (the CPU build). Changes the device: RESETs and SETs
the cells of the model, then pulses them in training.
"""

import argparse
import sys
from contextlib import ExitStack

import torch
from torch import nn

import memlab
from memlab.torch import in_situ, initialise, place


class Sentences(nn.Module):
    """An embedding, a residual convolution, a GRU, an LSTM cell, and a head with norms."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(9, 6)
        self.mix = nn.Conv1d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm1d(6)
        self.forth = nn.GRU(6, 5, batch_first=True)
        self.once = nn.LSTMCell(5, 4)
        self.head = nn.Sequential(nn.LayerNorm(4), nn.PReLU(), nn.Linear(4, 3))

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Return a number for each third, (samples, 3), for words of shape (samples, 7)."""
        x = self.words(words).transpose(1, 2)
        x = x + torch.relu(self.norm(self.mix(x)))
        y, _ = self.forth(x.transpose(1, 2))
        hidden, _ = self.once(y.mean(dim=1))
        return self.head(hidden)


def sentences(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return sentences of seven words, and the third of the vocabulary that is most frequent."""
    words = torch.randint(9, (count, 7), generator=torch.Generator().manual_seed(seed))
    counts = torch.stack([(words // 3 == third).sum(dim=1) for third in range(3)], dim=1)
    return words, counts.argmax(dim=1)


def main() -> int:
    """Train on the boards of `--board`."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--board", action="append", help="board URL; again for a second array")
    parser.add_argument("--steps", type=int, default=200, help="updates")
    parser.add_argument("--seed", type=int, default=1, help="of weights and sentences")
    arguments = parser.parse_args()
    urls = arguments.board or ["emulator:?chip=ta-hfo2&seed=7"]
    try:
        with ExitStack() as stack:
            arrays = [stack.enter_context(memlab.open_array(url)) for url in urls]
            train(arrays, arguments.steps, arguments.seed)
            for array in arrays:
                counts = array.counts
                print(f"{counts.set} SETs, {counts.reset} RESETs, {counts.vmm} VMMs")
    except memlab.MemlabError as error:
        print(f"torch_own_model: {error}", file=sys.stderr)
        return 1
    return 0


def train(arrays: list[memlab.Array], steps: int, seed: int) -> float:
    """Train the model in situ; return its accuracy on 300 new sentences."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # threads only wait for each other in a network this small
    model = place(Sentences(), arrays)  # 1: its weights have their places
    initialise(model)  # 2: RESET, SET and read back
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    in_situ(optimizer, model)  # 3: every step is programmed and read back
    for step in range(1, steps + 1):
        words, thirds = sentences(100, 100_000 * seed + step)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(words), thirds)
        loss.backward()
        optimizer.step()
        if step % 25 == 0 or step == steps:
            print(f"step {step}: loss {loss:.3f}")
    model.eval()
    new, expected = sentences(300, seed)
    accuracy = (model(new).argmax(dim=1) == expected).double().mean().item()
    print(f"test accuracy {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    sys.exit(main())
