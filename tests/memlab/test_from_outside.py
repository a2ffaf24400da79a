"""A rule, a layer and an adapter of PyTorch's layers from other packages; memlab is not touched."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.outside import install, installed

import memlab
from memlab.errors import SettingError
from memlab.nn import Adam, layers
from memlab.runs import open_run

RULE = '''
"""One SET where a cell must rise, one RESET where it must fall, whatever the size."""
import numpy as np
from pydantic import Field
from memlab.mapping import OneShotUpdate
from memlab.rules import RuleName, RuleSettings, named
from memlab.setting_units import Volts


class FixedStepUpdate(OneShotUpdate):
    step = 0.05

    def change(self, array, conductance_change):
        move = self.step * np.sign(conductance_change)
        return super().change(array, move / self.on(array).volts_per_siemens)


class FixedStep(RuleSettings):
    """Steps of one size."""
    rule: RuleName = named("fixed-step")
    step: Volts = Field(0.05, description="Move of a gate voltage.", gt=0)

    def make(self, mapping, rng):
        made = mapping.make_rule(rng, FixedStepUpdate)
        made.step = self.step
        return made
'''

LAYER = '''
"""A layer with weights that multiplies its inputs by a factor first."""
from dataclasses import dataclass
import numpy as np
from memlab.nn import Dense


class ScaledLayer(Dense):
    def __init__(self, matrix, factor):
        super().__init__(matrix)
        self.factor = factor

    def forward(self, x):
        return super().forward(self.factor * x)

    def backward(self, dy):
        return self.factor * super().backward(dy)


@dataclass(frozen=True)
class Scaled:
    units: int
    factor: float

    def weights(self, shape):
        return {"": (shape[0], self.units)}

    def make(self, shape, weights):
        return ScaledLayer(weights[""], self.factor)
'''

ADAPTER = '''
"""A layer of PyTorch with a factor, and what it becomes on an array."""
import torch
from memlab.torch import CrossbarModule, Part


class Scaled(torch.nn.Module):
    def __init__(self, inputs, outputs, factor):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(outputs, inputs, dtype=torch.float64))
        self.factor = factor

    def forward(self, x):
        return self.factor * x @ self.weight.T


class CrossbarScaled(CrossbarModule):
    def __init__(self, source, matrix):
        super().__init__([Part(matrix, "weight")], {"weight": source.weight.shape}, torch.float64)
        self.factor = source.factor

    @staticmethod
    def shapes(source):
        return {"": (source.weight.shape[1], source.weight.shape[0], False)}

    @classmethod
    def holding(cls, source, matrices, bias_input):
        return cls(source, matrices[0])

    def forward(self, x):
        return self.factor * self.multiply(self.parts[0], x)


class Other(Scaled):
    """Nothing replaces it."""


class Broken(Scaled):
    """What its package brings is no adapter."""
'''


@pytest.fixture
def packages(tmp_path: Path) -> Iterator[Path]:
    texts = {"fixed_step": RULE, "scaled_layer": LAYER, "scaled_torch": ADAPTER}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
    site = tmp_path / "site"
    module = tmp_path / "fixed_step.py"
    install(site, "my-rule", module, "rules", {"fixed-step": "FixedStep"}, group="memlab.")
    install(site, "my-layer", tmp_path / "scaled_layer.py", "none", {})
    adapters = {
        "scaled_torch.Scaled": "CrossbarScaled",
        "scaled_torch.Broken": "Scaled",
    }
    install(site, "my-cells", tmp_path / "scaled_torch.py", "torch", adapters, group="memlab.")
    with installed(site):
        yield site


@pytest.mark.usefixtures("packages")
def test_a_network_with_a_layer_and_a_rule_of_others_learns_and_is_recorded(
    tmp_path: Path,
) -> None:
    scaled = importlib.import_module("scaled_layer")
    rng = np.random.default_rng(2)
    x = rng.normal(size=(150, 4))
    y = (x[:, 0] + x[:, 1] > 0).astype(int)
    with memlab.open_array("emulator:?chip=ta-hfo2&seed=5") as array:
        description = [scaled.Scaled(6, 2.0), layers.ReLU(), layers.Dense(2)]
        model = memlab.Model(description, array, 4, update="fixed-step")
        out = tmp_path / "run.h5"
        run = model.fit(x, y, epochs=6, optimizer=Adam(0.05), out=out, figure=False)
        assert run.metrics["train_accuracy"] > 0.8
    settings = open_run(out).settings
    assert settings["update"] == {"rule": "fixed-step", "step": 0.05}
    assert settings["layers"][0] == "Scaled(units=6, factor=2.0)"


@pytest.mark.usefixtures("packages")
def test_a_model_with_a_torch_layer_of_others_goes_to_an_array() -> None:
    torch = pytest.importorskip("torch")
    bridge = importlib.import_module("memlab.torch")
    other = importlib.import_module("scaled_torch")
    torch.manual_seed(3)
    model = torch.nn.Sequential(other.Scaled(5, 4, 0.5), torch.nn.Tanh()).double()
    x = torch.randn(7, 5, dtype=torch.float64)
    with memlab.open_array("emulator:?chip=ideal&seed=5") as array:
        placed = bridge.place(model, array)
        assert isinstance(placed[0], other.CrossbarScaled)
        torch.testing.assert_close(placed(x), model(x))  # in software for now
        bridge.write(placed)
        assert (placed(x) - model(x)).abs().max().item() < 0.02
        made = placed[0].parts[0].matrix.multiply(x.numpy())
        np.testing.assert_array_equal(placed[0](x).detach().numpy(), 0.5 * made)


@pytest.mark.usefixtures("packages")
def test_what_has_no_adapter_is_given_one_and_what_is_none_is_refused() -> None:
    torch = pytest.importorskip("torch")
    place = importlib.import_module("memlab.torch").place
    other = importlib.import_module("scaled_torch")
    model = torch.nn.Sequential(other.Other(5, 4, 0.5))
    with memlab.open_array("ideal:") as array:
        with pytest.raises(SettingError, match=r"0 \(Other\): parameters of a kind .* adapter"):
            place(model, array)
        placed = place(model, array, adapters={other.Other: other.CrossbarScaled})
        assert isinstance(placed[0], other.CrossbarScaled)
        with pytest.raises(SettingError, match="adapter of Other is no adapter"):
            place(model, array, adapters={other.Other: other.Scaled})
        with pytest.raises(SettingError, match=r"scaled_torch.Broken \(my-cells 1.0\) is no adapt"):
            place(other.Broken(5, 4, 0.5), array)
        # What is wrong with it is told of no other layer.
        place(other.Scaled(5, 4, 0.5), array)
