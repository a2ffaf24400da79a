"""One generator per effect, so that switching one on shifts the draws of no other."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["bit_generator_for", "generator_for"]


def generator_for(parent: np.random.Generator, effect: str) -> np.random.Generator:
    """Return the generator of an effect: a child of the parent's seed, keyed by name.

    Nothing is drawn from the parent, and neither the order in which children are made nor which
    others exist makes a difference.
    """
    return np.random.default_rng(_child_seed(parent, effect))


def bit_generator_for(parent: np.random.Generator, effect: str) -> np.random.SFC64:
    """Return a fast source of raw 64-bit words for an effect, seeded as in `generator_for`."""
    return np.random.SFC64(_child_seed(parent, effect))


def _child_seed(parent: np.random.Generator, effect: str) -> np.random.SeedSequence:
    seed = parent.bit_generator.seed_seq
    if not isinstance(seed, np.random.SeedSequence):
        raise TypeError("the generator of a chip must come from a seed (numpy.random.default_rng)")
    key = (*seed.spawn_key, zlib.crc32(effect.encode()))
    return np.random.SeedSequence(seed.entropy, spawn_key=key)
