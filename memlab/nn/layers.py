"""Layers to be: what a network is described by, before it has a place on an array.

    from memlab.nn import layers

    description = [layers.LSTM(8), layers.LastStep(), layers.Dense(3)]

A description says which weights its layer needs for samples of some shape, and makes the layer of
them once they have a place (`memlab.nn.build`). Layers without weights describe themselves: those
of memlab are offered here too. One of your own needs no base class, only the two methods of
`Description`, or, without weights, those of `Layer`.

A sample is what a layer sees at one time step: (features,), or (height, width, channels).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Literal, Protocol, runtime_checkable

from drivers.known_names import unknown
from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.nn import conv, dense, gru, lstm, phased, sequences, tree
from memlab.nn.activations import Activation
from memlab.nn.layer import Layer
from memlab.nn.lstm_cell import LSTMVariant
from memlab.nn.patches import Padding, PatchGrid
from memlab.nn.sequences import LastStep, Repeat
from memlab.nn.shape import Flatten, MaxPool, ReLU

__all__ = [
    "GRU",
    "LSTM",
    "Bidirectional",
    "Conv2D",
    "ConvLSTM",
    "Dense",
    "Description",
    "Flatten",
    "LastStep",
    "MaxPool",
    "PhasedLSTM",
    "ReLU",
    "Repeat",
    "Shape",
    "TreeLSTM",
    "Weights",
]

Shape = tuple[int, ...]
"""Of a sample."""
Weights = Mapping[str, DifferentialMatrix]
"""The matrices that a description asked for, by its names for them."""


@runtime_checkable
class Description(Protocol):
    """A layer to be."""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return (inputs, outputs) of each weight matrix, for samples of a shape.

        Their names are those within the layer; that of an only one is ''.

        Raises
        ------
        ValueError
            If the layer does not take such samples.
        """
        ...

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer, with the weights that it asked for."""
        ...


def features_of(shape: Shape) -> int:
    """Return the features of a sample, which must be a vector."""
    if len(shape) != 1:
        raise ValueError(f"takes vectors, not samples of shape {shape}: put Flatten() before it")
    return shape[0]


def image_of(shape: Shape) -> tuple[int, int, int]:
    """Return (height, width, channels) of a sample, which must be an image."""
    if len(shape) != 3:
        raise ValueError(f"takes images (height, width, channels), not samples of shape {shape}")
    return shape[0], shape[1], shape[2]


@dataclass(frozen=True)
class Dense:
    """A fully connected layer, y = f([x; bias] W); see `memlab.nn.Dense`.

    Parameters
    ----------
    units
        Outputs.
    activation
        `linear`, `relu`, `sigmoid`, `tanh` or `softmax`, or an `Activation` (`memlab.nn.Curve`).
    bias
        Value of the constant bias input, or None for no bias.
    name
        Of its weights; by default that of the class, with a number where there are several.
    """

    units: int
    activation: str | Activation = "linear"
    bias: float | None = 1.0
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shape of the weights."""
        return {"": (features_of(shape) + (self.bias is not None), self.units)}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return dense.Dense(weights[""], self.activation, self.bias)


@dataclass(frozen=True)
class LSTM:
    """A long short-term memory, one output at every time step; see `memlab.nn.LSTM`.

    Parameters
    ----------
    units
        Outputs.
    bias, name
        As for `Dense`.
    variant
        Which gates and activations exist; all by default.
    peephole
        Whether the gates of a unit see its cell state.
    """

    units: int
    bias: float | None = 1.0
    variant: LSTMVariant | None = None
    peephole: bool = False
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shapes of the weights, and of those of the peepholes."""
        rows = features_of(shape) + self.units + (self.bias is not None)
        own = {"": (rows, len((self.variant or LSTMVariant()).columns) * self.units)}
        return own | ({"peephole": (self.units, 3)} if self.peephole else {})

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return lstm.LSTM(weights[""], self.bias, self.variant, weights.get("peephole"))


@dataclass(frozen=True)
class PhasedLSTM:
    """A long short-term memory of units that are open in turn; see `memlab.nn.PhasedLSTM`.

    Parameters
    ----------
    units
        Outputs.
    period
        Shortest and longest period, in steps or in the unit of the time stamps; the paper draws
        them up to 20, or to 1000.
    open_ratio, leak
        Part of a period in which a unit is open, and what passes while it is closed.
    timed
        Whether the last feature says when a step was.
    seed
        Of the periods and shifts, which are drawn once and not trained.
    bias, name
        As for `Dense`.
    """

    units: int
    period: tuple[float, float] = (1.0, 20.0)
    open_ratio: float = 0.05
    leak: float = 1e-3
    timed: bool = False
    seed: int = 1
    bias: float | None = 1.0
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shape of the weights."""
        features = features_of(shape) - self.timed
        return {"": (features + self.units + (self.bias is not None), 4 * self.units)}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        low, high = self.period
        if not 0.0 < low <= high:
            raise ValueError(f"period={self.period} must be two numbers above 0, the lesser first")
        return phased.PhasedLSTM(
            weights[""],
            *phased.drawn_phases(self.units, self.period, self.seed),
            self.open_ratio,
            self.leak,
            self.bias,
            timed=self.timed,
        )


@dataclass(frozen=True)
class TreeLSTM:
    """A long short-term memory of trees, one output at every node; see `memlab.nn.TreeLSTM`.

    Parameters
    ----------
    units
        Outputs.
    bias, name
        As for `Dense`.
    """

    units: int
    bias: float | None = 1.0
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shapes of the weights of nodes, and of the gates of their children."""
        rows = features_of(shape) - 1 + self.units + (self.bias is not None)
        return {"node": (rows, 3 * self.units), "forget": (rows, self.units)}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return tree.TreeLSTM(weights["node"], weights["forget"], self.bias)


@dataclass(frozen=True)
class GRU:
    """A gated recurrent unit, one output at every time step; see `memlab.nn.GRU`.

    Parameters
    ----------
    units
        Outputs.
    bias, name
        As for `Dense`.
    """

    units: int
    bias: float | None = 1.0
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shapes of the weights of inputs and of the state."""
        extra = self.bias is not None
        features = features_of(shape)
        columns = 3 * self.units
        return {"input": (features + extra, columns), "recurrent": (self.units + extra, columns)}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return gru.GRU(weights["input"], weights["recurrent"], self.bias)


@dataclass(frozen=True)
class Conv2D:
    """A convolution of images; see `memlab.nn.Conv2D`.

    Parameters
    ----------
    kernels
        Channels of the output.
    kernel
        (rows, columns) of a kernel.
    padding
        `valid` or `same`.
    stride
        Distance of neighbouring patches.
    activation
        `linear`, `relu`, `sigmoid` or `tanh`, or an `Activation` (`memlab.nn.Curve`).
    bias, name
        As for `Dense`.
    """

    kernels: int
    kernel: tuple[int, int] = (3, 3)
    padding: Padding | str = Padding.VALID
    stride: int = 1
    activation: str | Activation = "linear"
    bias: float | None = 1.0
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shape of the weights."""
        grid = PatchGrid(image_of(shape), self.kernel, Padding(self.padding), self.stride)
        return {"": (grid.features + (self.bias is not None), self.kernels)}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return conv.Conv2D(
            weights[""],
            image_of(shape),
            self.kernel,
            self.padding,
            self.stride,
            self.activation,
            self.bias,
        )


@dataclass(frozen=True)
class ConvLSTM:
    """A long short-term memory whose products are convolutions; see `memlab.nn.ConvLSTM`.

    Parameters
    ----------
    kernels
        Channels of the output.
    kernel, recurrent_kernel
        (rows, columns) of the kernels of the input and of the state.
    bias, variant, name
        As for `LSTM`.
    peephole
        What sees the cell state: nothing (none), the gates of a kernel with the same weights at
        all places (kernel), or with weights of each place (place, as in Shi 2015).
    """

    kernels: int
    kernel: tuple[int, int] = (3, 3)
    recurrent_kernel: tuple[int, int] = (3, 3)
    bias: float | None = 1.0
    variant: LSTMVariant | None = None
    peephole: Literal["none", "kernel", "place"] = "none"
    name: str = ""

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shapes of the weights, and of those of the peepholes."""
        grid = PatchGrid(image_of(shape), self.kernel)
        recurrent = self.recurrent_kernel[0] * self.recurrent_kernel[1] * self.kernels
        rows = grid.features + recurrent + (self.bias is not None)
        own = {"": (rows, len((self.variant or LSTMVariant()).columns) * self.kernels)}
        places = {"none": 0, "kernel": 1, "place": prod(grid.size)}
        if self.peephole not in places:
            raise SettingError(unknown("peephole", self.peephole, places))
        seen = places[self.peephole] * self.kernels
        return own | ({"peephole": (seen, 3)} if seen else {})

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        return conv.ConvLSTM(
            weights[""],
            image_of(shape),
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            self.variant,
            weights.get("peephole"),
        )


@dataclass(frozen=True)
class Bidirectional:
    """Two layers like one, of which the second reads backwards; see `memlab.nn.Bidirectional`.

    Parameters
    ----------
    layer
        A recurrent one; both directions have weights of their own.
    ends_only
        Return only the state with which each direction ends, one step long.
    """

    layer: Description
    ends_only: bool = False

    @property
    def name(self) -> str:
        """That of the layer."""
        return str(getattr(self.layer, "name", "") or type(self.layer).__name__.lower())

    def weights(self, shape: Shape) -> Mapping[str, tuple[int, int]]:
        """Return the shapes of the weights of both directions."""
        one = self.layer.weights(shape)
        return {_way(way, name): size for way in WAYS for name, size in one.items()}

    def make(self, shape: Shape, weights: Weights) -> Layer:
        """Return the layer."""
        names = self.layer.weights(shape)
        ahead, back = (
            self.layer.make(shape, {name: weights[_way(way, name)] for name in names})
            for way in WAYS
        )
        return sequences.Bidirectional(ahead, back, ends_only=self.ends_only)


WAYS = "ahead", "back"


def _way(way: str, name: str) -> str:
    """Return the name of the weights of one direction."""
    return f"{way}_{name}" if name else way
