"""Randomness by counter: every draw is a function of (key, purpose, step).

Torch's CPU generator is seeded with 32 bits only: seeds 1 and 1 + 2**32 give the same stream, so noise from
it could be guessed by trying four billion seeds. Draws that carry privacy come from Philox4x64, whose key is
the full 128-bit noise key.
"""

from __future__ import annotations

import hashlib
import secrets
from enum import IntEnum

import numpy as np

Generator = np.random.Generator


class Purpose(IntEnum):
    """What a draw is for. A value is never used for two things and never renumbered."""

    SAMPLE = 1
    NOISE = 2
    SELECTION = 3
    CANARIES = 4
    ASCENT_EXAMPLES = 5
    SELECTION_EXAMPLES = 6
    INITIALISATION = 10
    SUBSET = 11
    ASCENT = 12
    RESTART = 13
    DIRECTION = 14
    REMOVAL = 15
    PUBLIC_SUBSET = 16
    LANDSCAPE = 17
    CURVATURE = 18


def new_secret_key() -> bytes:
    """16 bytes from the operating system's secure source. Privacy: must never be published."""
    return secrets.token_bytes(16)


def derive_seeded_key(seed: int, fingerprint: str) -> bytes:
    """The public key that belongs to a seed of one experiment.

    Two experiments of one seed share no noise: from shared noise at two scales anybody could solve for the
    un-noised sums without knowing the seed.

    Privacy: noise drawn with it can be subtracted by anybody.
    """
    return hashlib.sha256(f"dpflat seeded noise {seed} {fingerprint}".encode()).digest()[:16]


def make_generator(key: bytes, purpose: Purpose, step: int = 0) -> Generator:
    """The stream of one purpose at one step. Each purpose has a key of its own, derived by SHA-256.

    Args:
        key: 16 bytes.
        purpose: what the draw is for.
        step: counter, at least 0.

    Raises:
        ValueError: when the key is not 16 bytes or the step is negative.
    """
    if len(key) != 16:
        raise ValueError(f"A noise key has 16 bytes; got {len(key)}.")
    if step < 0:
        raise ValueError(f"A step is at least 0; got {step}.")
    words = np.frombuffer(hashlib.sha256(key + bytes([purpose])).digest()[:16], dtype="<u8")
    counter = np.array([0, 0, step, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=words, counter=counter))


def seed_generator(seed: int, purpose: Purpose, step: int = 0) -> Generator:
    """The stream of the public seed for a purpose that needs no secrecy."""
    key = hashlib.sha256(f"dpflat public seed {seed}".encode()).digest()[:16]
    return make_generator(key, purpose, step)


def derive_key(key: bytes, name: str) -> bytes:
    """The key of a part of a run that has streams of its own. Privacy: as secret as the key it comes from."""
    return hashlib.sha256(key + name.encode()).digest()[:16]
