"""A network: layers one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from memlab.mapping import Block, DifferentialMatrix, SlicedMatrix
from memlab.nn.layer import Layer
from memlab.nn.losses import LossValue
from memlab.nn.optimizers import Optimizer
from memlab.numeric import FloatArray
from memlab.storage import State

__all__ = ["Credit", "Judge", "Network"]

Judge = Callable[[FloatArray], LossValue]
"""Returns the loss of an output of the network's shape against the targets of the batch."""


class Credit(Protocol):
    """Says which layer is to blame: how errors reach the layers of a network."""

    def __call__(
        self,
        layers: Sequence[Layer],
        outputs: Sequence[FloatArray],
        delta: FloatArray,
        judge: Judge | None,
    ) -> FloatArray:
        """Leave gradients in every layer; return dL/dx.

        Parameters
        ----------
        layers
            After a forward pass, from input to output.
        outputs
            What each of them made of it.
        delta
            dL/doutput of the last one.
        judge
            Judges other outputs by the same targets; None where these are not known.
        """
        ...


class Network:
    """Layers one after the other; every weight matrix needs a name of its own.

    Sequences have shape (time, batch, features).
    """

    def __init__(self, layers: Sequence[Layer]):
        self.layers = list(layers)
        self.credit: Credit | None = None
        """How errors reach the layers; None for back-propagation."""
        self._outputs: list[FloatArray] = []
        """What each layer made of the last batch, where somebody will ask."""
        names = [matrix.name for matrix in self.matrices]
        # Optimizers and run files tell matrices apart by their names.
        if len(set(names)) < len(names):
            raise ValueError(f"two matrices of a network have one name: {', '.join(names)}")

    def __repr__(self) -> str:
        """Return its layers in order, and how many weights they have."""
        layers = ", ".join(repr(layer).strip("<>") for layer in self.layers)
        weights = sum(matrix.shape[0] * matrix.shape[1] for matrix in self.matrices)
        return f"<Network of {weights} weights: {layers}>"

    @property
    def matrices(self) -> list[DifferentialMatrix]:
        """The weight matrices of all layers, in order."""
        return [matrix for layer in self.layers for matrix in layer.matrices]

    @property
    def blocks(self) -> list[Block]:
        """The rectangles of cells of all matrices, in order."""
        return [block for matrix in self.matrices for block in matrix.blocks]

    def initialise(self) -> None:
        """Program the starting state of every layer, then read all back."""
        for matrix in self.matrices:
            matrix.program_start()
        self.read_back()

    def read_back(self) -> None:
        """Measure the conductances of every layer and derive its weights from them."""
        for matrix in self.matrices:
            matrix.read_back()

    def state(self) -> State:
        """Return all that updates have changed, but for the cells themselves (`Array.state`)."""
        whole = {
            one.name: one.learning_state() for one in self.matrices if isinstance(one, SlicedMatrix)
        }
        return whole | {
            matrix.name: {
                "weight": getattr(matrix, "weight", None),
                "blocks": [block.state() for block in matrix.blocks],
            }
            for one in self.matrices
            for matrix in one.slices
        }

    def restore(self, state: State) -> None:
        """Go back to a `state` of a network of the same shape; the arrays are restored apart."""
        for whole in self.matrices:
            if isinstance(whole, SlicedMatrix):
                whole.restore_learning(state[whole.name])
        for matrix in (one for whole in self.matrices for one in whole.slices):
            found = state[matrix.name]
            if found["weight"] is not None:
                matrix.weight = found["weight"]
            for block, one in zip(matrix.blocks, found["blocks"], strict=True):
                block.restore(one)

    def forward(self, x: FloatArray) -> FloatArray:
        """Return the output of the last layer, computed on the array."""
        self._outputs = []
        for layer in self.layers:
            x = layer.forward(x)
            if self.credit is not None:
                self._outputs.append(x)
        return x

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """Let nobody hear of the products in the block: they are no part of training."""
        arrays = [block.array for block in self.blocks]
        listeners = [array.on_vmm for array in arrays]
        for array in arrays:
            array.on_vmm = None
        try:
            yield
        finally:
            for array, listener in zip(arrays, listeners, strict=True):
                array.on_vmm = listener

    def backward(self, delta: FloatArray, judge: Judge | None = None) -> FloatArray:
        """Return dL/dx from dL/doutput; leaves its gradients in every layer.

        The judge is for those who do not send errors back through all layers (`credit`).
        """
        if self.credit is not None:
            return self.credit(self.layers, self._outputs, delta, judge)
        for layer in reversed(self.layers):
            delta = layer.backward(delta)
        return delta

    def gradients(self) -> list[list[FloatArray]]:
        """Return dL/dW of the last `backward` of every matrix of every layer."""
        return [list(layer.gradients) for layer in self.layers]

    def update(
        self, optimizer: Optimizer, gradients: Sequence[Sequence[FloatArray]] | None = None
    ) -> None:
        """Program every layer one step down its gradient, then read all of them back.

        `gradients` are those of the last `backward`, unless they are given.

        Reading comes last because layers share wires: a pulse in one changes what the others see.
        """
        for layer, of_layer in zip(self.layers, gradients or self.gradients(), strict=True):
            for matrix, gradient in zip(layer.matrices, of_layer, strict=True):
                matrix.program(optimizer.step(matrix.name, gradient))
        self.read_back()
