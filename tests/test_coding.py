"""Masks as few bytes: every mask comes back, near the entropy of its density, and beside the paper's format."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.masks import compression as coding
from supsup_lite.masks.compression import decode, encode

NET = sl.lenet_300_100(seed=0, device="cpu")


def packed(widths, densities, seed=0):
    draw = np.random.default_rng(seed)
    parts = [np.packbits(draw.random(8 * width) < p) for width, p in zip(widths, densities, strict=True)]
    return np.concatenate(parts)


def entropy(mask):
    p = np.unpackbits(mask).mean()
    return len(mask) * -(p * math.log2(p) + (1 - p) * math.log2(1 - p)) if 0 < p < 1 else 0


layers = st.lists(st.tuples(st.integers(1, 400), st.sampled_from([0, 0.001, 0.01, 0.1, 0.12, 0.13, 0.5, 0.9, 0.99, 1])))


@settings(deadline=None, max_examples=200)
@given(layers=layers.filter(len), seed=st.integers(0, 2**32 - 1))
def test_every_mask_comes_back(layers, seed):
    widths, densities = zip(*layers, strict=True)
    mask = packed(widths, densities, seed)
    block = encode(mask, widths)
    np.testing.assert_array_equal(decode(block, widths), mask)
    assert len(block) <= len(mask) + 8 * len(widths)  # at worst as they are: stored, with a few bytes in front


@settings(deadline=None, max_examples=100)
@given(mask=st.binary(min_size=1, max_size=300))
def test_any_bytes_come_back(mask):
    mask = np.frombuffer(mask, np.uint8)
    np.testing.assert_array_equal(decode(encode(mask, [len(mask)]), [len(mask)]), mask)


@pytest.mark.parametrize("gap", [0, 1, 254, 255, 256, 509, 510, 511, 1020])
def test_gaps_around_the_far_symbol(gap):
    bits = np.zeros(4096, bool)
    bits[[gap, 2 * gap + 1, 4095]] = True
    mask = np.packbits(bits, bitorder="little")
    far, rest = divmod(gap, 255)
    assert coding._gaps(mask)[: far + 1].tolist() == [255] * far + [rest]
    np.testing.assert_array_equal(coding._from_gaps(coding._gaps(mask), len(mask)), mask)


def test_layers_of_one_density_share_a_table_and_others_do_not():
    widths = [3000, 1000, 3000]
    for densities, parts in (((0.05,) * 3, 1), ((0.01, 0.5, 0.01), 3), ((0.03, 0.03, 0.3), 2)):
        mask = packed(widths, densities)
        assert len(list(coding._parts(mask, widths))) == parts
        bound = sum(map(entropy, np.split(mask, [3000, 4000])))
        assert len(encode(mask, widths)) <= 1.10 * bound


def test_more_layers_than_one_part_can_count():
    widths = [2] * 700
    mask = packed(widths, [0.3] * 700)
    assert len(list(coding._parts(mask, widths))) == 3
    np.testing.assert_array_equal(decode(encode(mask, widths), widths), mask)


DAMAGE = {
    "too short": lambda block: block[:-1],
    "too long": lambda block: block + b"1",
    "empty": lambda block: b"",
    "unknown kind": lambda block: b"\7" + block[1:],
    "no layers": lambda block: block[:1] + b"\0" + block[2:],
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_what_is_no_mask_is_refused(change):
    widths = [300, 200]
    for p in (0.05, 0.5):
        with pytest.raises(ValueError, match="code"):
            decode(change(encode(packed(widths, (p, p)), widths)), widths)
    with pytest.raises(ValueError, match="code"):
        decode(encode(packed([300, 200], (0.05, 0.05)), [300, 200]), [30, 20])


# The store


@pytest.mark.parametrize("keep", [0.005, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9, 0.99])
def test_a_file_of_random_masks_is_near_the_bound(tmp_path, keep):
    """At most 1.10 of the entropy, header, index and checksums included; not below, as there is nothing to find."""
    store = sl.MaskStore(NET)
    for task in range(20):
        store.append(sl.random_mask(NET, keep, 0, task))
    store.save(tmp_path / "masks")
    size = (tmp_path / "masks").stat().st_size
    assert size == store.file_bytes
    assert store.entropy_bytes < size <= 1.10 * store.entropy_bytes
    assert size <= 1.01 * store.nbytes


def test_structure_goes_below_the_bound():
    """The bound knows each layer's density alone. Here half of the units have no weight at all, as learned masks do."""
    store = sl.MaskStore(NET)
    for task in range(5):
        mask = sl.random_mask(NET, 0.06, 0, task)
        for bits in mask.values():
            bits[: len(bits) // 2] = False
        store.append(mask)
    assert store.file_bytes < 0.9 * store.entropy_bytes


def slow_csc(mask):
    """Indices and pointers of scipy's csc_matrix, by a loop over columns."""
    total = 0
    for bits in mask.values():
        matrix = bits.reshape(len(bits), -1).tolist()
        indices, pointers = [], [0]
        for column in zip(*matrix, strict=True):
            indices += [row for row, kept in enumerate(column) if kept]
            pointers.append(len(indices))
        total += 2 * len(indices) + 4 * len(pointers)
    return total


def test_csc_bytes_equal_a_slow_count():
    net = sl.networks.MLP("tiny", (6, 5, 7), 0, "cpu")
    store = sl.MaskStore(net)
    assert store.csc_bytes == 0
    for task, keep in enumerate((0, 0.3, 1)):
        store.append(sl.random_mask(net, keep, 0, task))
    assert store.csc_bytes == sum(map(slow_csc, store))
    assert isinstance(store.csc_bytes, int)


def test_an_empty_store_is_a_header():
    store = sl.MaskStore(NET)
    assert 300 < store.file_bytes < 900
    assert torch.equal(store.density, torch.zeros(0))
