"""An embedding of PyTorch whose vectors are cells of an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch

from memlab.errors import SettingError
from memlab.mapping import DifferentialMatrix
from memlab.torch.module import CrossbarModule, Part

__all__ = ["CrossbarEmbedding"]


class CrossbarEmbedding(CrossbarModule):
    """What `torch.nn.Embedding` is: one row of pairs is driven for each word.

    Parameters
    ----------
    source
        The embedding that it is like.
    matrix
        Weights of shape (num_embeddings, embedding_dim) on an array.

    Attributes
    ----------
    weight
        Parameter of shape (num_embeddings, embedding_dim).
    """

    weight: torch.nn.Parameter

    def __init__(self, source: torch.nn.Embedding, matrix: DifferentialMatrix):
        part = Part(matrix, "weight", transposed=True)
        super().__init__([part], {"weight": tuple(source.weight.shape)}, source.weight.dtype)
        self.num_embeddings, self.embedding_dim = source.num_embeddings, source.embedding_dim
        self.padding_idx = source.padding_idx

    @staticmethod
    def shapes(source: torch.nn.Embedding) -> dict[str, tuple[int, int, bool]]:
        """Return features, outputs and bias of each matrix that a layer needs, by name."""
        return {"": (source.num_embeddings, source.embedding_dim, False)}

    @classmethod
    def holding(
        cls, source: torch.nn.Embedding, matrices: Sequence[DifferentialMatrix], bias_input: float
    ) -> Self:
        """Return the layer that is like one of PyTorch; it computes in software for now."""
        (matrix,) = matrices
        return cls(source, matrix)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        """Return the vectors of words: (..., embedding_dim) for whole numbers of shape (...).

        No row is driven for the word that is only padding.

        Raises
        ------
        SettingError
            If they are no whole numbers, or one has no vector.
        """
        most = self.num_embeddings - 1
        if words.dtype not in (torch.int32, torch.int64):
            raise SettingError(f"words are {words.dtype}; they must be torch.int64 or torch.int32")
        if words.device.type == "cpu" and ((words < 0) | (words > most)).any():
            raise SettingError(
                f"words {int(words.min())} to {int(words.max())}: {self.parts[0].matrix.name} has "
                f"0 to {most}"
            )
        driven = torch.nn.functional.one_hot(words.long(), most + 1).to(self.weight.dtype)
        if self.padding_idx is not None:
            driven[words == self.padding_idx] = 0.0
        return self.multiply(self.parts[0], driven)
