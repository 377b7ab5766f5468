import numpy as np
import pytest
import torch

from dpflat.core.keys import Purpose, derive_seeded_key, make_generator, new_secret_key


def numbers(key, purpose=Purpose.NOISE, step=0):
    return make_generator(key, purpose, step).standard_normal(4)


def test_every_bit_of_the_key_counts():
    base = bytes(16)
    streams = {numbers(base).tobytes()}
    for bit in range(128):
        key = bytearray(base)
        key[bit // 8] ^= 1 << (bit % 8)
        streams.add(numbers(bytes(key)).tobytes())
    assert len(streams) == 129


def test_torchs_own_generator_takes_32_bits_of_its_seed_which_is_why_it_is_not_used():
    first, second = (torch.randn(4, generator=torch.Generator().manual_seed(s)) for s in (1, 1 + 2**32))
    assert torch.equal(first, second)


def test_purposes_and_steps_have_streams_of_their_own():
    key = derive_seeded_key(0, "a")
    streams = {numbers(key, p, s).tobytes() for p in Purpose for s in range(20)}
    assert len(streams) == len(Purpose) * 20


def test_a_stream_repeats_for_the_same_key_purpose_and_step():
    assert np.array_equal(numbers(bytes(16), step=7), numbers(bytes(16), step=7))


def test_streams_of_neighbouring_steps_do_not_overlap():
    key = derive_seeded_key(3, "a")
    draws = [make_generator(key, Purpose.NOISE, step).integers(0, 2**63, size=5000) for step in range(3)]
    assert len(np.unique(np.concatenate(draws))) == 15000


def test_secret_keys_differ_and_have_128_bits():
    keys = {new_secret_key() for _ in range(50)}
    assert len(keys) == 50
    assert {len(key) for key in keys} == {16}


def test_a_key_of_another_length_and_a_negative_step_are_refused():
    with pytest.raises(ValueError, match="16 bytes; got 8"):
        make_generator(bytes(8), Purpose.NOISE)
    with pytest.raises(ValueError, match="at least 0; got -1"):
        make_generator(bytes(16), Purpose.NOISE, -1)


def test_two_experiments_of_one_seed_share_no_noise():
    keys = [derive_seeded_key(0, "a"), derive_seeded_key(0, "b"), derive_seeded_key(1, "a")]
    assert len({numbers(key).tobytes() for key in keys}) == 3
    assert numbers(keys[0]).tobytes() == numbers(derive_seeded_key(0, "a")).tobytes()
