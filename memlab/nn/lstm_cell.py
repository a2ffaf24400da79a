"""The long short-term memory cell and its variants: what happens at one unit at one time step.

Equations (Hochreiter and Schmidhuber 1997 with the forget gate of Gers 2000; variants as in
Greff et al. 2017 and Smagulova and James 2019), s the logistic sigmoid:

    c_t = s(i) tanh(a) + s(f) c_{t-1}        h_t = s(o) tanh(c_t)

A gate that a variant leaves out is one, and an activation that it leaves out is the identity; with
the coupled forget gate s(f) is replaced by 1 - s(i), and without any by 1. With peepholes
(Gers 2000) i and f gain p_i c_{t-1} and p_f c_{t-1}, and o gains p_o c_t, unit by unit.

The cell works on arrays whose last axis is the units; it does not know where a, i, f and o came
from, so that a convolution can feed it as well as a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from memlab.errors import SettingError
from memlab.nn.activations import ACTIVATIONS, Activation, activation_of
from memlab.nn.peephole import Peephole
from memlab.numeric import FloatArray

__all__ = ["Forget", "LSTMCell", "LSTMVariant"]


class Forget(StrEnum):
    """What multiplies the old cell state."""

    GATE = "gate"
    """A gate of its own (Gers 2000)."""
    COUPLED = "coupled"
    """One minus the input gate."""
    NONE = "none"
    """Nothing: the state is kept for ever (Hochreiter and Schmidhuber 1997)."""


@dataclass(frozen=True)
class LSTMVariant:
    """Which parts an LSTM has.

    Parameters
    ----------
    forget
        Forget gate: of its own, coupled to the input gate, or none.
    input_gate, output_gate
        Whether these gates exist.
    input_activation, output_activation
        Whether a and c go through an activation.
    gate, squash
        Activations of the gates, and of a and c: names, or circuits (`memlab.nn.Curve`).
    """

    forget: Forget = Forget.GATE
    input_gate: bool = True
    output_gate: bool = True
    input_activation: bool = True
    output_activation: bool = True
    gate: str | Activation = "sigmoid"
    squash: str | Activation = "tanh"

    def __post_init__(self) -> None:
        for activation in (self.gate, self.squash):
            if activation_of(activation) is ACTIVATIONS["softmax"]:
                raise SettingError("softmax mixes the units of an LSTM: take sigmoid or tanh")
        if self.forget is Forget.COUPLED and not self.input_gate:
            raise ValueError("a coupled forget gate needs an input gate")

    @property
    def columns(self) -> str:
        """Blocks of columns in their order: a, then those gates of i, f, o that exist."""
        gates = {"i": self.input_gate, "f": self.forget is Forget.GATE, "o": self.output_gate}
        return "a" + "".join(gate for gate, there in gates.items() if there)


class LSTMCell:
    """The states of one run through a sequence, and the way back.

    Call `step` for t = 0, 1, ..., then `prepare_backward`, then `step_back` for t = ..., 1, 0.

    Parameters
    ----------
    variant
        Which parts the cell has.
    steps
        Length of the sequence.
    shape
        Shape of a state: (batch, ..., units).
    peephole
        What the gates see of the states, if anything.

    Attributes
    ----------
    past
        dL/dh_{t-1} that went past the gates in the last `step_back`, or None.
    """

    past: FloatArray | None = None

    def __init__(
        self,
        variant: LSTMVariant,
        steps: int,
        shape: tuple[int, ...],
        peephole: Peephole | None = None,
    ):
        self.variant = variant
        self.peephole = peephole
        self.steps = steps
        self.shape = shape
        self._sigmoid, self._tanh = activation_of(variant.gate), activation_of(variant.squash)
        self.units = units = shape[-1]
        self.width = len(variant.columns) * units
        self.gates = np.empty((steps, *shape[:-1], self.width))
        self.cells = np.zeros((steps + 1, *shape))
        self.squashed = np.empty((steps, *shape)) if variant.output_activation else self.cells[1:]
        self.output = np.empty((steps, *shape))
        self._where = {
            name: (..., slice(k * units, (k + 1) * units)) for k, name in enumerate(variant.columns)
        }
        self._named = {name: self.gates[where] for name, where in self._where.items()}

    def _gate(self, t: int | slice, name: str) -> FloatArray | float:
        """Return a, i, f or o of a step (or of all), 1 where it does not exist."""
        if name in self._where:
            gate: FloatArray = self._named[name][t]
            return gate
        if name == "f" and self.variant.forget is Forget.COUPLED:
            return 1.0 - self._gate(t, "i")
        return 1.0

    def step(self, t: int, z: FloatArray) -> FloatArray:
        """Take one step; return h_t of shape (batch, ..., units).

        Parameters
        ----------
        t
            Number of the step.
        z
            a and the gates before their activation, shape (batch, ..., blocks * units).
        """
        units, gates, peephole = self.units, self.gates[t], self.peephole
        if peephole is not None:
            seen = peephole(self.cells[t])
            z = z.copy()
            for name, k in (("i", 0), ("f", 1)):
                if name in self._where:
                    z[self._where[name]] += seen[..., k]
        into = z[..., :units]
        gates[..., :units] = self._tanh.forward(into) if self.variant.input_activation else into
        gates[..., units:] = self._sigmoid.forward(z[..., units:])
        a, i, f = self._gate(t, "a"), self._gate(t, "i"), self._gate(t, "f")
        cell = self.cells[t + 1]
        np.multiply(i, a, out=cell)
        cell += f * self.cells[t]
        if peephole is not None and "o" in self._where:
            o = self._where["o"]
            gates[o] = self._sigmoid.forward(z[o] + peephole(cell)[..., 2])
        if self.variant.output_activation:
            self.squashed[t] = self._tanh.forward(cell)
        output: FloatArray = self.output[t]
        np.multiply(self._gate(t, "o"), self.squashed[t], out=output)
        return output

    def prepare_backward(self) -> None:
        """Compute for all steps at once what does not depend on the recursion."""
        variant, whole, sigmoid, tanh = self.variant, slice(None), self._sigmoid, self._tanh
        shape = self.output.shape
        a, i, f, o = (np.broadcast_to(self._gate(whole, name), shape) for name in "aifo")
        old = self.cells[:-1]
        self._cell_from_output = tanh.backward(self.squashed, o) if variant.output_activation else o
        # dz of a, i and f per dc; the state of the step before enters i when f = 1 - i.
        slopes = [tanh.backward(a, i) if variant.input_activation else i]
        if variant.input_gate:
            gain = a - old if variant.forget is Forget.COUPLED else a
            slopes.append(sigmoid.backward(i, gain))
        if variant.forget is Forget.GATE:
            slopes.append(sigmoid.backward(f, old))
        self._per_cell = np.concatenate(slopes, axis=-1).reshape(
            *shape[:-1], len(slopes), self.units
        )
        if variant.output_gate:
            self._per_output = sigmoid.backward(o, self.squashed)
        self._keep = f
        self._dc = np.zeros(self.shape)
        self._eyes = None if self.peephole is None else self.peephole.weight
        self.delta = np.empty((self.steps, *self.shape[:-1], self.width))

    def step_back(self, t: int, dh: FloatArray) -> FloatArray:
        """Go back one step; return dL/dz of shape (batch, ..., blocks * units).

        Parameters
        ----------
        t
            Number of the step.
        dh
            dL/dh_t, from above and from step t + 1 together.
        """
        dz: FloatArray = self.delta[t]
        eyes = self._eyes
        dc = self._dc + dh * self._cell_from_output[t]
        has_output_gate = "o" in self._where
        if has_output_gate:
            o = self._where["o"]
            np.multiply(self._per_output[t], dh, out=dz[o])
            if eyes is not None:
                dc += dz[o] * eyes[..., 2]
        by_cell = dz[..., : -self.units] if has_output_gate else dz
        by_cell[...] = (self._per_cell[t] * dc[..., np.newaxis, :]).reshape(by_cell.shape)
        self._dc = dc * self._keep[t]
        if eyes is not None:
            for name, k in (("i", 0), ("f", 1)):
                if name in self._where:
                    self._dc += dz[self._where[name]] * eyes[..., k]
        return dz

    def peephole_gradients(self) -> tuple[FloatArray, ...]:
        """Return dL/dW of the peepholes, summed over steps and batch; 0 for absent gates."""
        if self.peephole is None:
            return ()
        gradient = np.zeros(self.peephole.matrix.shape)
        for k, (name, seen) in enumerate(
            (("i", self.cells[:-1]), ("f", self.cells[:-1]), ("o", self.cells[1:]))
        ):
            if name in self._where:
                gradient[:, k] = self.peephole.sum(self.delta[self._where[name]] * seen)
        return (gradient,)
