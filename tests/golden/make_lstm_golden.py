"""Compute the golden values of `lstm_golden.json` with PyTorch, in float64.

    python -m pip install numpy torch==2.13.0
    python tests/golden/make_lstm_golden.py

PyTorch's own names, gate order (i, f, g, o) and layout (batch first is off) are kept in the file;
the test translates. Every case holds inputs, parameters, outputs, and the gradients of a loss.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).with_name("lstm_golden.json")

CASES: dict[str, dict[str, Any]] = {
    "one layer with bias, one sequence": {"layers": 1, "bias": True, "batch": 1, "loss": "dot"},
    "one layer without bias, three sequences": {
        "layers": 1,
        "bias": False,
        "batch": 3,
        "loss": "dot",
    },
    "two layers with bias, three sequences": {
        "layers": 2,
        "bias": True,
        "batch": 3,
        "loss": "dot",
    },
    "two layers and a sigmoid layer, squared error": {
        "layers": 2,
        "bias": True,
        "batch": 3,
        "loss": "squared error",
    },
    "two layers without bias, cross-entropy of the last step": {
        "layers": 2,
        "bias": False,
        "batch": 4,
        "loss": "cross-entropy",
    },
}


def make_networks(seed: int) -> dict[str, dict[str, Any]]:
    """Return every case with values drawn from a seed."""
    return {name: _case(**case, seed=seed + k) for k, (name, case) in enumerate(CASES.items())}


def _case(layers: int, bias: bool, batch: int, loss: str, seed: int) -> dict[str, Any]:
    import torch

    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, scale: float = 1.0) -> torch.Tensor:
        return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)

    steps, features, units, outputs = 6, 3, 4, 2
    lstm = torch.nn.LSTM(features, units, layers, bias=bias, dtype=torch.float64)
    linear = torch.nn.Linear(units, outputs, bias=bias, dtype=torch.float64)
    modules = {"lstm": lstm} if loss == "dot" else {"lstm": lstm, "linear": linear}
    parameters = {
        f"{module}.{name}": parameter
        for module, content in modules.items()
        for name, parameter in content.named_parameters()
    }
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.copy_(normal(*parameter.shape, scale=0.8))
    x = normal(steps, batch, features).requires_grad_()
    hidden, _ = lstm(x)
    if loss == "dot":
        output, target = hidden, normal(steps, batch, units)
        total = (hidden * target).sum()
    elif loss == "squared error":
        output, target = torch.sigmoid(linear(hidden)), normal(steps, batch, outputs)
        total = ((output - target) ** 2).sum() / 2
    else:
        output = linear(hidden)
        classes = torch.randint(outputs, (batch,), generator=generator)
        target = torch.nn.functional.one_hot(classes, outputs).double()
        total = torch.nn.functional.cross_entropy(output[-1], classes, reduction="sum")
    total.backward()
    return {
        "layers": layers,
        "bias": bias,
        "loss": loss,
        "x": x.tolist(),
        "target": target.tolist(),
        "parameters": {name: value.tolist() for name, value in parameters.items()},
        "output": output.tolist(),
        "total": total.item(),
        "dx": x.grad.tolist(),
        "gradients": {name: value.grad.tolist() for name, value in parameters.items()},
    }


def make_optimizers(seed: int) -> dict[str, Any]:
    """Return gradients and the steps that PyTorch's optimizers make for them."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    gradients = torch.randn(6, 5, generator=generator, dtype=torch.float64)
    make = {
        "sgd": lambda w: torch.optim.SGD([w], lr=0.01, momentum=0.9),
        "rmsprop": lambda w: torch.optim.RMSprop([w], lr=0.01, alpha=0.9, eps=1e-8),
        "adam": lambda w: torch.optim.Adam([w], lr=0.01),
        "adam, other constants": lambda w: torch.optim.Adam(
            [w], lr=0.01, betas=(0.8, 0.95), eps=0.25
        ),
    }
    result: dict[str, Any] = {"gradients": gradients.tolist()}
    for name, optimizer_of in make.items():
        # From zero each time, so that a step is not rounded against the weight.
        weight = torch.zeros(5, dtype=torch.float64)
        optimizer = optimizer_of(weight)
        steps = []
        for gradient in gradients:
            weight.zero_()
            weight.grad = gradient.clone()
            optimizer.step()
            steps.append(weight.tolist())
        result[name] = steps
    return result


if __name__ == "__main__":
    import torch

    document = {
        "program": f"make_lstm_golden.py with torch {torch.__version__}",
        "networks": make_networks(2019),
        "optimizers": make_optimizers(2019),
    }
    GOLDEN.write_text(json.dumps(document) + "\n")
