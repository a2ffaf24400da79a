"""Compute the golden values of `layers_golden.json` with PyTorch, in float64.

    python -m pip install numpy torch==2.13.0
    python tests/golden/make_layers_golden.py

Conv2D, max-pooling, GRU, bidirectional and stacked LSTM, with PyTorch's own names, orders and
layouts; the test translates. Every case holds inputs, parameters, outputs, and the gradients of
the sum of `output * importance`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("layers_golden.json")

CONVOLUTIONS: dict[str, dict[str, Any]] = {
    "valid 3 x 3": {"kernel": (3, 3), "padding": "valid", "stride": 1, "bias": False},
    "same 3 x 3": {"kernel": (3, 3), "padding": "same", "stride": 1, "bias": True},
    "same 2 x 2": {"kernel": (2, 2), "padding": "same", "stride": 1, "bias": False},
    "same 2 x 3": {"kernel": (2, 3), "padding": "same", "stride": 1, "bias": True},
    "valid 3 x 2, stride 2": {"kernel": (3, 2), "padding": "valid", "stride": 2, "bias": True},
}
RECURRENT: dict[str, dict[str, Any]] = {
    "gru": {"module": "GRU", "bias": True},
    "gru without bias": {"module": "GRU", "bias": False},
    "two stacked grus": {"module": "GRU", "bias": True, "num_layers": 2},
    "bidirectional lstm": {"module": "LSTM", "bias": True, "bidirectional": True},
    "two stacked bidirectional lstms": {
        "module": "LSTM",
        "bias": False,
        "bidirectional": True,
        "num_layers": 2,
    },
    "bidirectional gru": {"module": "GRU", "bias": True, "bidirectional": True},
}


def make_cases(seed: int) -> dict[str, dict[str, Any]]:
    """Return every case with values drawn from a seed."""
    import torch

    cases = {}
    generator = torch.Generator().manual_seed(seed)
    for name, settings in CONVOLUTIONS.items():
        conv = torch.nn.Conv2d(
            2,
            3,
            settings["kernel"],
            settings["stride"],
            settings["padding"],
            bias=settings["bias"],
            dtype=torch.float64,
        )
        cases[name] = {**settings, **_values(conv, (4, 2, 5, 6), generator)}
    pool = torch.nn.MaxPool2d(2)
    cases["max-pooling"] = _values(pool, (3, 2, 5, 6), generator)
    for name, settings in RECURRENT.items():
        options = dict(settings)
        make = getattr(torch.nn, options.pop("module"))
        recurrent = make(3, 4, dtype=torch.float64, **options)
        cases[name] = {**settings, **_values(recurrent, (5, 3, 3), generator)}
    return cases


def _values(module: Any, shape: tuple[int, ...], generator: Any) -> dict[str, Any]:
    """Run a module forward and backward on random values."""
    import torch

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)

    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(normal(*parameter.shape, scale=0.8))
    x = normal(*shape).requires_grad_()
    output = module(x)
    output = output[0] if isinstance(output, tuple) else output
    importance = normal(*output.shape)
    (output * importance).sum().backward()
    named = dict(module.named_parameters())
    return {
        "x": x.tolist(),
        "importance": importance.tolist(),
        "parameters": {name: value.tolist() for name, value in named.items()},
        "output": output.tolist(),
        "dx": x.grad.tolist(),
        "gradients": {name: value.grad.tolist() for name, value in named.items()},
    }


if __name__ == "__main__":
    import torch

    document = {
        "program": f"make_layers_golden.py with torch {torch.__version__}",
        "cases": make_cases(2019),
    }
    GOLDEN.write_text(json.dumps(document) + "\n")
