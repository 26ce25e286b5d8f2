"""The mask store: packed bits against lists, and files of which not one damaged byte goes unnoticed."""

import errno
import json
import math
import os
import random
import stat
import zlib
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.files import BlockFile, blocks_content
from supsup_lite.files import header as file_header
from supsup_lite.masks.bits import binary_entropy, pack_bits, unpack_bits
from supsup_lite.masks.compression import decode
from supsup_lite.networks.mlp import MLP
from tests import oracles
from tests.interrupting import Interrupt

HERE = sl.device()


def tiny(seed=0, outputs=5):
    """30 + 35 weights: neither layer fills its last byte."""
    return MLP("tiny", (6, 5, 7), seed) if outputs == 5 else MLP("tiny", (6, 5, outputs), seed)


def filled(net, k=3, keep=0.4, about=None):
    store = sl.MaskStore(net, about)
    for task in range(k):
        store.append(sl.random_mask(net, keep, seed=0, task=task))
    return store


def same(first, second):
    return len(first) == len(second) and all(
        mask.keys() == other.keys() and all(torch.equal(mask[name], other[name]) for name in mask)
        for mask, other in zip(first, second, strict=True)
    )


# Packing


@settings(deadline=None, max_examples=100)
@given(data=st.data(), k=st.integers(1, 4), n=st.integers(1, 40))
def test_packing_equals_a_loop_and_comes_back(data, k, n):
    rows = data.draw(st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=k, max_size=k))
    bits = torch.tensor(rows, dtype=torch.bool, device=HERE)
    packed = pack_bits(bits)
    assert packed.dtype == torch.uint8
    assert packed.tolist() == [oracles.packed(row) for row in rows]
    assert torch.equal(unpack_bits(packed, n), bits)


def test_bit_order_is_the_documented_one():
    """Bit j of byte i is weight 8 i + j, as in numpy's little bit order; padding is 0."""
    bits = torch.zeros(1, 19, dtype=torch.bool, device=HERE)
    bits[0, [0, 3, 15, 16]] = True
    assert pack_bits(bits).tolist() == [[0b1001, 0b1000_0000, 1]]
    noise = np.random.default_rng(0).random((5, 77)) < 0.5
    got = pack_bits(torch.from_numpy(noise).to(HERE)).cpu().numpy()
    np.testing.assert_array_equal(got, np.packbits(noise, axis=1, bitorder="little"))


def test_packing_does_not_see_the_memory_layout():
    bits = torch.rand(16, 8, generator=torch.Generator().manual_seed(0)).to(HERE) < 0.5
    transposed = bits.t().contiguous().t()
    assert torch.equal(pack_bits(transposed), pack_bits(bits))
    assert torch.equal(pack_bits(bits[:, ::2]), pack_bits(bits[:, ::2].contiguous()))


# As a list


def test_append_index_iterate():
    net = tiny()
    store, masks = sl.MaskStore(net), [sl.random_mask(net, 0.5, 0, task) for task in range(5)]
    for count, mask in enumerate(masks, start=1):
        store.append(mask)
        assert len(store) == count
    assert same(store, masks)
    assert same([store[-1], store[-5], store[np.int64(2)]], [masks[4], masks[0], masks[2]])
    for name, bits in store[0].items():
        assert bits.dtype == torch.bool
        assert bits.shape == net.weights()[name].shape
    for outside in (5, -6):
        with pytest.raises(IndexError, match="this store has 5 masks"):
            store[outside]
    for nonsense in (1.0, "0", None, True):
        with pytest.raises(TypeError, match="whole number or a slice"):
            store[nonsense]


@settings(deadline=None, max_examples=60)
@given(key=st.slices(6))
def test_a_slice_is_that_of_a_list(key):
    net = tiny()
    store = filled(net, k=6)
    assert same(list(store[key]), list(store)[key])
    assert isinstance(store[key], sl.MaskStore)


@settings(deadline=None, max_examples=60)
@given(positions=st.lists(st.integers(0, 5), max_size=8))
def test_taken_masks_are_those_of_a_list(positions):
    store = filled(tiny(), k=6, about={"keep": 0.4})
    taken = store.take(torch.tensor(positions, dtype=torch.long, device=store.net.device))
    assert (len(taken), taken.about) == (len(positions), {"keep": 0.4})
    assert same(list(taken), [store[i] for i in positions])


def test_a_slice_is_a_view_that_may_grow_by_itself():
    net = tiny()
    store = filled(net, k=4, about={"keep": 0.4})
    before = list(store)
    part = store[1:3]
    assert part.packed("fc1.weight").data_ptr() == store.packed("fc1.weight")[1:].data_ptr()
    assert part.about == {"keep": 0.4}
    part.append(sl.random_mask(net, 1, 0))
    part.about["keep"] = 1
    assert same(store, before)
    assert same(part, [*before[1:3], sl.random_mask(net, 1, 0)])
    assert store.about == {"keep": 0.4}


def test_extend_equals_appending():
    net = tiny()
    masks = [sl.random_mask(net, 0.5, 1, task) for task in range(7)]
    store = sl.MaskStore(net)
    for start, stop in ((0, 1), (1, 1), (1, 4), (4, 7)):
        empty = {
            name: torch.empty(0, *weight.shape, dtype=torch.bool).to(HERE) for name, weight in net.weights().items()
        }
        part = masks[start:stop]
        store.extend({name: torch.stack([mask[name] for mask in part]) for name in empty} if part else empty)
    assert same(store, masks)


def test_extend_refuses_what_does_not_fit_and_stays_as_it_was():
    net = tiny()
    store = filled(net)
    before = list(store)
    many = {name: torch.ones(2, *weight.shape, dtype=torch.bool, device=HERE) for name, weight in net.weights().items()}
    wrong = [
        (many | {"fc1.weight": many["fc1.weight"][:1]}, ValueError, r"the same number of masks, got \[1, 2\]"),
        ({"fc1.weight": many["fc1.weight"]}, ValueError, "of another network"),
        ({}, ValueError, "of another network"),
        ({name: bits[:0] for name, bits in many.items() if name == "fc1.weight"}, ValueError, "of another network"),
        (many | {"fc2.weight": many["fc2.weight"].float()}, TypeError, "must be a bool tensor"),
        (many | {"fc2.weight": many["fc2.weight"][:, 1:]}, ValueError, "expected"),
        (store[0], ValueError, "expected"),
    ]
    for masks, error, message in wrong:
        with pytest.raises(error, match=message):
            store.extend(masks)
    assert same(store, before)


def test_chunks_are_the_masks():
    store = filled(tiny(), k=5)
    for name, bits in store.chunk(1, 4).items():
        assert torch.equal(bits, torch.stack([mask[name] for mask in list(store)[1:4]]))
    for room in (1, 64, 10_000):
        parts = list(store.chunks("fc2.weight", room))
        assert [start for start, _ in parts] == list(range(0, 5, max(1, room // 35)))
        assert torch.equal(torch.cat([bits for _, bits in parts]), store.chunk(0, 5)["fc2.weight"])
        numbers = torch.cat([part for _, part in store.chunks("fc2.weight", room, torch.float64)])
        assert numbers.dtype == torch.float64
        assert torch.equal(numbers, store.chunk(0, 5)["fc2.weight"].double())


def test_a_mask_taken_out_is_a_copy():
    store = filled(tiny())
    before = list(store)
    for bits in store[0].values():
        bits.fill_(True)
    assert same(store, before)


def test_repr_says_what_it_is():
    assert repr(filled(tiny())) == "<3 masks of <tiny: 65 weights, 7 outputs, seed 0>, 27 bytes>"


# What it weighs


def test_bytes_kept_and_density_equal_slow_counts():
    net = tiny()
    store = sl.MaskStore(net)
    for task, keep in enumerate((0, 0.1, 0.5, 0.77, 1)):
        store.append(sl.random_mask(net, keep, 0, task))
    assert store.nbytes == 5 * (math.ceil(30 / 8) + math.ceil(35 / 8))
    for name, kept in store.kept().items():
        assert kept.tolist() == [sum(mask[name].flatten().tolist()) for mask in store]
    wanted = [sum(sum(bits.flatten().tolist()) for bits in mask.values()) / 65 for mask in store]
    assert store.density.tolist() == pytest.approx(wanted, rel=1e-7)


def test_lenet_costs_one_bit_a_weight():
    assert filled(sl.lenet_300_100(), k=2).nbytes == 2 * 275_200 / 8


def test_entropy_bytes_equal_a_slow_sum():
    net = tiny()
    store = sl.MaskStore(net)
    for task, keep in enumerate((0, 0.2, 0.5, 1)):
        store.append(sl.random_mask(net, keep, 0, task))
    bits = 0.0
    for mask in store:
        for bits_of_layer in mask.values():
            n, ones = bits_of_layer.numel(), int(bits_of_layer.sum())
            bits -= sum(count * math.log2(count / n) for count in (ones, n - ones) if count)
    assert store.entropy_bytes == pytest.approx(bits / 8, rel=1e-12)
    assert store.entropy_bytes < store.nbytes


def test_binary_entropy():
    p = torch.tensor([0, 0.11, 0.25, 0.5, 0.75, 1], dtype=torch.float64)
    wanted = [0, -0.11 * math.log2(0.11) - 0.89 * math.log2(0.89), 2 - 0.75 * math.log2(3), 1]
    assert binary_entropy(p).tolist() == pytest.approx([*wanted, wanted[2], 0], rel=1e-12, abs=1e-15)


def test_an_empty_store_weighs_nothing():
    store = sl.MaskStore(tiny())
    assert (len(store), store.nbytes, store.entropy_bytes) == (0, 0, 0)
    assert store.density.shape == (0,)
    assert list(store) == []


# Save and load

ABOUT = {
    "keep": 0.4,
    "recipe": {"steps": 3, "lr": 1e-3},
    "note": 'ä "quoted" \\ line\nbreak',
    "none": None,
    "l": [1, 2],
}


@pytest.mark.parametrize("k", [0, 1, 3])
def test_what_was_saved_is_loaded(tmp_path, k):
    net = tiny()
    store = filled(net, k=k, about=ABOUT)
    store.save(tmp_path / "masks.safetensors")
    loaded = sl.MaskStore.load(tmp_path / "masks.safetensors", net)
    assert same(loaded, store)
    assert len(loaded) == k
    assert loaded.about == ABOUT
    assert loaded.net is net
    assert [path.name for path in tmp_path.iterdir()] == ["masks.safetensors"]


@settings(deadline=None, max_examples=25)
@given(
    keep=st.floats(0, 1),
    about=st.dictionaries(
        st.text(max_size=8),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text()),
            lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner)),
            max_leaves=6,
        ),
        max_size=4,
    ),
)
def test_whatever_json_holds_comes_back(tmp_path_factory, keep, about):
    net = tiny()
    path = tmp_path_factory.mktemp("store") / "masks"
    store = filled(net, keep=keep, about=about)
    store.save(path)
    loaded = sl.MaskStore.load(path, net)
    assert loaded.about == about
    assert same(loaded, store)


def test_a_checksum_in_about_is_not_taken_for_the_file_s_own(tmp_path):
    net = tiny()
    about = {"sha256": "0" * 64, "note": '"sha256":"' + "1" * 64 + '"'}
    filled(net, about=about).save(tmp_path / "masks")
    assert sl.MaskStore.load(tmp_path / "masks", net).about == about


def test_a_loaded_store_can_be_gone_on_with(tmp_path):
    net = tiny()
    store = filled(net)
    store.save(str(tmp_path / "masks"))  # a plain string is a path too
    loaded = sl.MaskStore.load(str(tmp_path / "masks"), net)
    loaded.append(sl.random_mask(net, 0.9, 5))
    assert same(loaded, [*store, sl.random_mask(net, 0.9, 5)])


def test_views_can_be_saved(tmp_path):
    net = tiny()
    store = filled(net, k=6)
    for i, key in enumerate((slice(2, 5), slice(None, None, 2), slice(None, None, -1))):
        store[key].save(tmp_path / str(i))
        assert same(sl.MaskStore.load(tmp_path / str(i), net), list(store)[key])


def test_plain_safetensors_reads_the_file(tmp_path):
    """What is documented: an index of lengths and CRC-32, the blocks one after another, and the metadata."""
    net = tiny()
    store = filled(net, about=ABOUT)
    store.save(tmp_path / "masks.safetensors")
    tensors = safetensors.torch.load_file(tmp_path / "masks.safetensors")
    assert tensors.keys() == {"index", "blocks"}
    content = tensors["blocks"].numpy().tobytes()
    for mask, (length, checksum) in zip(store, tensors["index"].tolist(), strict=True):
        block, content = content[:length], content[length:]
        assert zlib.crc32(block) == checksum % 2**32
        wanted = [oracles.packed(mask[name].flatten().tolist()) for name in net.weights()]
        assert decode(block, [4, 5]).tolist() == [*wanted[0], *wanted[1]]
    assert content == b""
    with safetensors.safe_open(tmp_path / "masks.safetensors", "pt") as opened:
        metadata = opened.metadata()
    layers = {"fc1.weight": [5, 6], "fc2.weight": [7, 5]}
    assert json.loads(metadata["network"]) == {"name": "tiny", "outputs": 7, "seed": 0, "layers": layers}
    assert metadata["fingerprint"] == net.fingerprint()
    assert json.loads(metadata["about"]) == ABOUT
    assert (metadata["format"], metadata["version"]) == ("supsup-lite masks", "4")


def test_numpy_numbers_in_about_and_seed(tmp_path):
    net = MLP("tiny", (6, 5, 7), np.int64(3))
    filled(net, about={"seed": np.int64(4), "keep": np.float32(0.5)}).save(tmp_path / "masks")
    assert sl.MaskStore.load(tmp_path / "masks", net).about == {"seed": 4, "keep": 0.5}


def test_what_json_cannot_hold_is_refused_and_the_old_file_stays(tmp_path):
    net = tiny()
    filled(net).save(tmp_path / "masks")
    with pytest.raises(TypeError, match=r"`about` can hold what JSON can, not tensor"):
        filled(net, k=1, about={"alphas": torch.zeros(1)}).save(tmp_path / "masks")
    assert same(sl.MaskStore.load(tmp_path / "masks", net), filled(net))


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_file_has_the_mode_of_any_new_file(tmp_path):
    filled(tiny()).save(tmp_path / "masks")
    (tmp_path / "other").write_text("")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("masks", "other")}
    assert len(modes) == 1


# Only some masks


@settings(deadline=None, max_examples=60)
@given(only=st.one_of(st.slices(5), st.integers(-5, 4), st.lists(st.integers(-5, 4), max_size=6)))
def test_only_some_masks_are_as_in_a_list(five, only):
    store, path = five
    masks = list(store)
    wanted = masks[only] if isinstance(only, slice) else [masks[i] for i in ([only] if isinstance(only, int) else only)]
    loaded = sl.MaskStore.load(path, store.net, only=only)
    assert same(loaded, wanted)
    assert loaded.about == store.about


@pytest.fixture(scope="module")
def five(tmp_path_factory):
    store = filled(tiny(), k=5, about=ABOUT)
    path = tmp_path_factory.mktemp("five") / "masks"
    store.save(path)
    return store, path


def test_only_what_is_there(five):
    store, path = five
    for outside in (5, -6, [0, 5]):
        with pytest.raises(IndexError, match="has 5 masks, so `only` cannot be"):
            sl.MaskStore.load(path, store.net, only=outside)
    for nonsense in (1.0, "0", True, [0.5], [None]):
        with pytest.raises(TypeError, match="`only` is a whole number, several, or a slice"):
            sl.MaskStore.load(path, store.net, only=nonsense)


def test_a_damaged_mask_is_named_and_the_others_can_be_read(saved, tmp_path):
    """So nothing but the mask asked for is looked at; and header and index are checked whatever is asked for."""
    path = tmp_path / "masks"
    lengths = safetensors.torch.load(saved.content)["index"][:, 0].tolist()
    first = len(saved.content) - sum(lengths)
    changed = bytearray(saved.content)
    changed[first + sum(lengths[:7]) + 3] ^= 1
    path.write_bytes(changed)
    for only in (6, 8, slice(8, None), [0, 39]):
        assert len(sl.MaskStore.load(path, saved.net, only=only)) in (1, 32, 2)
    for only in (None, 7, slice(5, 9)):
        with pytest.raises(ValueError, match=r"mask 7 of .*masks is damaged"):
            sl.MaskStore.load(path, saved.net, only=only)
    for at in range(0, first, 3):
        path.write_bytes(saved.content[:at] + bytes([saved.content[at] ^ 1]) + saved.content[at + 1 :])
        with pytest.raises(ValueError, match="masks"):
            sl.MaskStore.load(path, saved.net, only=0)
    path.write_bytes(saved.content[:-1])
    with pytest.raises(ValueError, match="damaged or truncated"):
        sl.MaskStore.load(path, saved.net, only=0)


def test_for_one_mask_one_block_is_read(tmp_path, monkeypatch):
    net = sl.lenet_300_100()
    store = filled(net, k=60, keep=0.1)
    store.save(tmp_path / "masks")
    read, real = [], BlockFile.read
    monkeypatch.setattr(BlockFile, "read", lambda file, i: (read.append(i), real(file, i))[1])
    assert same(sl.MaskStore.load(tmp_path / "masks", net, only=-2), [store[58]])
    assert read == [58]


# A crash while saving


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_):
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(("crash", "error"), [(full, OSError), (interrupted, KeyboardInterrupt)])
@pytest.mark.parametrize("there_before", [True, False])
def test_a_crash_leaves_the_old_file_and_nothing_beside(tmp_path, monkeypatch, call, crash, error, there_before):
    net = tiny()
    path = tmp_path / "masks"
    if there_before:
        filled(net, k=2).save(path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(os, call, crash)
        with pytest.raises(error):
            filled(net, k=5).save(path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    filled(net, k=5).save(path)
    assert len(sl.MaskStore.load(path, net)) == 5


def test_a_full_disk_leaves_the_old_file_and_nothing_beside(tmp_path):
    """The error comes from the operating system, in the middle of writing."""
    resource = pytest.importorskip("resource")
    net = sl.lenet_300_100()
    path = tmp_path / "masks"
    filled(net, k=1).save(path)
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            filled(net, k=3).save(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [file.name for file in tmp_path.iterdir()] == ["masks"]
    assert path.read_bytes() == before


def test_the_target_is_never_half_there(tmp_path, monkeypatch):
    net = tiny()
    path = tmp_path / "masks"
    seen = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (seen.append(path.exists()), real(handle)))
    filled(net).save(path)
    assert seen == [False]


def test_saving_where_nothing_can_be(tmp_path):
    with pytest.raises(FileNotFoundError):
        filled(tiny()).save(tmp_path / "no folder" / "masks")
    (tmp_path / "a folder").mkdir()
    with pytest.raises(OSError, match="a folder"):
        filled(tiny()).save(tmp_path / "a folder")
    assert [path.name for path in tmp_path.rglob("*")] == ["a folder"]


# Files that must not be loaded


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    net = tiny()
    path = tmp_path_factory.mktemp("saved") / "masks.safetensors"
    store = filled(net, k=40, about=ABOUT)
    store.save(path)
    return SimpleNamespace(net=net, path=path, store=store, content=path.read_bytes())


def refused(tmp_path, content, net=None):
    """Return the message of the ValueError that loading these bytes raises."""
    path = tmp_path / "masks.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"masks\.safetensors") as caught:
        sl.MaskStore.load(path, net or tiny())
    assert caught.type is ValueError
    return str(caught.value)


def resealed(content, **changes):
    """The same file with other metadata and a checksum that fits: what another version of the course would write."""
    metadata = metadata_of(content) | {"sha256": "0" * 64} | changes
    tensors = safetensors.torch.load(content)
    return sealed(tensors, {key: value for key, value in metadata.items() if value is not None})


def metadata_of(content):
    return json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]


def sealed(tensors, metadata):
    """A file with a checksum that fits: over header and index where there are blocks, else over the whole file."""
    return signed(safetensors.torch.save(tensors, metadata))


def signed(content):
    """The same bytes with a checksum that fits."""
    start = 8 + int.from_bytes(content[:8], "little")
    blocks = json.loads(content[8:start]).get("blocks", {"data_offsets": [0, 0]})["data_offsets"]
    head, covered = content[:start], content[start : len(content) - (blocks[1] - blocks[0])]
    return (
        file_header.sealed(file_header.CHECKSUM_FIELD.sub(b'"sha256":"' + b"0" * 64 + b'"', head), covered)
        + (content[start:])
    )


@pytest.mark.parametrize(
    "net",
    [tiny(seed=1), tiny(outputs=8), MLP("tiny", (5, 6, 7), 0), MLP("tiny", (6, 5, 5, 7), 0)],
    ids=["seed", "outputs", "widths", "layers"],
)
def test_masks_of_another_network_are_refused(saved, tmp_path, net):
    message = refused(tmp_path, saved.content, net)
    assert f"holds masks of another network: tiny with 7 outputs and seed 0. Given was {net!r}" in message


@pytest.mark.parametrize("version", ["0", "5", "", "3.0"])
def test_another_version_is_refused(saved, tmp_path, version):
    assert f"of version {version}, expected" in refused(tmp_path, resealed(saved.content, version=version))


@pytest.mark.parametrize("missing", ["format", "version", "fingerprint", "network", "about", "learned", "identities"])
def test_incomplete_metadata_is_refused(saved, tmp_path, missing):
    refused(tmp_path, resealed(saved.content, **{missing: None}))


def test_resealing_by_itself_is_harmless(saved, tmp_path):
    (tmp_path / "masks").write_bytes(resealed(saved.content))
    assert same(sl.MaskStore.load(tmp_path / "masks", saved.net), saved.store)


def version_1(store):
    """The file that the first version of `save` wrote: a tensor of packed bits for each weight."""
    metadata = {
        "format": "supsup-lite masks",
        "version": "1",
        "network": json.dumps({"name": store.net.name, "outputs": store.net.outputs, "seed": store.net.seed}),
        "fingerprint": store.net.fingerprint(),
        "about": json.dumps(store.about),
        "sha256": "0" * 64,
    }
    return sealed({name: store.packed(name).cpu().contiguous() for name in store.shapes}, metadata)


def test_version_1_can_still_be_read(saved, tmp_path):
    path = tmp_path / "masks"
    path.write_bytes(version_1(saved.store))
    assert same(sl.MaskStore.load(path, saved.net), saved.store)
    assert same(sl.MaskStore.load(path, saved.net, only=[7, 3]), [saved.store[7], saved.store[3]])
    with pytest.raises(IndexError, match="has 40 masks"):
        sl.MaskStore.load(path, saved.net, only=40)


def test_of_version_1_too_every_byte_matters(tmp_path):
    net = tiny()
    content = version_1(filled(net, k=2))
    for at in range(len(content)):
        refused(tmp_path, content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :], net)
    for length in range(0, len(content), 7):
        refused(tmp_path, content[:length], net)


def test_blocks_that_are_no_masks_are_refused(saved, tmp_path):
    good = safetensors.torch.load(saved.content)
    metadata = metadata_of(saved.content) | {"sha256": "0" * 64}
    wrong = {
        "one missing": {"index": good["index"]},
        "one too many": good | {"fc3.weight": good["blocks"].clone()},
        "another dtype": good | {"blocks": good["blocks"].to(torch.int8)},
        "flat": good | {"index": good["index"].flatten()},
        "fewer in the index": good | {"index": good["index"][:-1].clone()},
        "fewer bytes": good | {"blocks": good["blocks"][:-1].clone()},
        "more bytes": good | {"blocks": torch.cat([good["blocks"], good["blocks"][:1]])},
    }
    for tensors in wrong.values():
        refused(tmp_path, sealed(tensors, metadata))
    for block in (b"", b"\0", b"no mask", zlib.compress(b"\0" * 9)):
        one = metadata | {"identities": json.dumps({"suites": [], "tasks": [None]})}
        content = blocks_content("supsup-lite masks", 3, [block], one)
        assert "is no mask of this network" in refused(tmp_path, content)


def test_tensors_that_are_no_masks_are_refused(saved, tmp_path):
    content = version_1(saved.store)
    good = safetensors.torch.load(content)
    metadata = metadata_of(content) | {"sha256": "0" * 64}
    wrong = {
        "one missing": {"fc1.weight": good["fc1.weight"]},
        "one too many": good | {"fc3.weight": good["fc1.weight"].clone()},
        "none": {},
        "fewer masks": good | {"fc2.weight": good["fc2.weight"][:-1].clone()},
        "narrower": good | {"fc2.weight": good["fc2.weight"][:, :-1].clone()},
        "another dtype": good | {"fc2.weight": good["fc2.weight"].to(torch.int8)},
        "flat": good | {"fc2.weight": good["fc2.weight"].flatten()},
    }
    for tensors in wrong.values():
        assert "holds tensors that are no masks of" in refused(tmp_path, sealed(tensors, metadata))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0",
        b"\0" * 8,
        b"\xff" * 8,
        b"just a text\n",
        b"PK\x03\x04" + b"\0" * 500,
        (2).to_bytes(8, "little") + b"{}",
        (2**63).to_bytes(8, "little") + b'{"sha256":"' + b"0" * 64 + b'"}',
        safetensors.torch.save({"fc1.weight": torch.zeros(3)}),
        safetensors.torch.save({"fc1.weight": torch.zeros(3)}, {"format": "pt"}),
        safetensors.torch.save({"fc1.weight": torch.zeros(3)}, {"sha256": "0" * 64}),
        sealed({"fc1.weight": torch.zeros(3)}, {"sha256": "0" * 64}),
        sealed({"fc1.weight": torch.zeros(3)}, {"sha256": "0" * 64, "format": "pt", "version": "1"}),
    ],
    ids=lambda content: f"{len(content)} bytes, {content[:24]!r}",
)
def test_foreign_files_are_refused(tmp_path, content):
    refused(tmp_path, content)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is a folder: give the file"):
        sl.MaskStore.load(tmp_path, tiny())


def test_no_file_is_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        sl.MaskStore.load(tmp_path / "absent", tiny())


def mutate(content: bytes, draw: random.Random) -> bytes:
    """Change a file in one of the ways in which files go wrong; more often in its header than by chance."""
    header = 8 + int.from_bytes(content[:8], "little")
    end = draw.choice([8, header, len(content), len(content)])
    at = draw.randrange(end)
    kind = draw.randrange(8)
    changed = bytearray(content)
    if kind == 0:
        changed[at] ^= 1 << draw.randrange(8)
    elif kind == 1:
        changed[at] = draw.randrange(256)
    elif kind == 2:
        del changed[at:]
    elif kind == 3:
        changed += draw.randbytes(draw.randint(1, 20))
    elif kind == 4:
        length = draw.randint(1, 40)
        other = draw.randrange(len(content))
        changed[at : at + length], changed[other : other + length] = (
            changed[other : other + length],
            changed[at : at + length],
        )
    elif kind == 5:
        del changed[at : at + draw.randint(1, 20)]
    elif kind == 6:
        changed[at:at] = draw.randbytes(draw.randint(1, 20))
    else:
        text = content[8:header]
        old = draw.choice(re_words(text))
        place = draw.choice([i for i in range(len(text)) if text.startswith(old, i)]) + 8
        changed[place : place + len(old)] = draw.choice([old[::-1], old.swapcase(), b"0" * len(old), b"7", b"", b'"'])
    return bytes(changed)


def re_words(text: bytes) -> list[bytes]:
    return sorted(set("".join(c if c.isalnum() else " " for c in text.decode()).encode().split()))


def test_of_a_thousand_damaged_files_not_one_is_loaded(saved, tmp_path):
    draw = random.Random(0)
    path = tmp_path / "masks.safetensors"
    seen = set()
    while len(seen) < 1000:
        content = mutate(saved.content, draw)
        if content == saved.content or content in seen:
            continue
        seen.add(content)
        path.write_bytes(content)
        try:
            sl.MaskStore.load(path, saved.net)
        except Exception as error:
            assert type(error) is ValueError, (type(error), content)  # noqa: PT017
            assert str(path) in str(error)  # noqa: PT017
        else:
            pytest.fail(f"loaded, though damaged: {content!r}")


def test_every_single_byte_matters(saved, tmp_path):
    """Each byte of the file in turn, with one bit flipped."""
    path = tmp_path / "masks.safetensors"
    for at in range(len(saved.content)):
        path.write_bytes(saved.content[:at] + bytes([saved.content[at] ^ 1]) + saved.content[at + 1 :])
        with pytest.raises(ValueError, match="safetensors"):
            sl.MaskStore.load(path, saved.net)


def test_replace_changes_one_mask_alone():
    net = MLP("tiny", (3, 5, 2), seed=0, device="cpu")
    store = sl.MaskStore(net)
    for i in range(3):
        store.append(sl.random_mask(net, 0.5, seed=0, task=i))
    other = sl.random_mask(net, 0.5, seed=0, task=9)
    store.replace(1, other)
    for i, want in enumerate((sl.random_mask(net, 0.5, 0, 0), other, sl.random_mask(net, 0.5, 0, 2))):
        assert all(torch.equal(store[i][name], want[name]) for name in want)
    with pytest.raises(TypeError, match="bool"):
        store.replace(0, {name: bits.float() for name, bits in other.items()})


def test_reserved_room_is_filled_in_place_and_no_byte_more():
    net = sl.lenet_300_100(outputs=10)
    kept = [sl.random_mask(net, 0.5, seed=0, task=task) for task in range(3)]
    store = sl.MaskStore(net)
    store.append(kept[0])
    store.reserve(3)
    first = store.packed("fc1.weight").data_ptr()
    for mask in kept[1:]:
        store.append(mask)
    store.reserve(1)  # less than there is changes nothing
    assert store.packed("fc1.weight").data_ptr() == first
    assert store.packed("fc1.weight").untyped_storage().nbytes() == store.packed("fc1.weight").numel()
    assert all(torch.equal(stored[name], mask[name]) for stored, mask in zip(store, kept, strict=True) for name in mask)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a file that was being opened
@pytest.mark.parametrize("call", ["append", "replace", "extend", "reserve"])
def test_ctrl_c_leaves_no_mask_half_new(call):
    net = sl.conv_net(12, device="cpu", widths=(3,))

    def mask(i):
        return sl.TaskMask(
            sl.random_mask(net, 0.5, 0, i), {name: torch.full((2, c), i + 1.0) for name, c in net.norms().items()}
        )

    def changed_until(line):
        store = sl.MaskStore(net)
        for i in range(2):
            store.append(mask(i))
        arguments = {
            "append": (mask(7),), "replace": (1, mask(7)), "extend": (store.chunk(0, 2),), "reserve": (9,)
        }[call]  # fmt: skip
        with suppress(KeyboardInterrupt), Interrupt(line) as interrupt:
            getattr(store, call)(*arguments)
        return [*(store.packed(name) for name in store.shapes), *store.statistics.values()], interrupt.seen

    before, _ = changed_until(1)
    after, lines = changed_until(None)
    for line in range(1, lines + 1, 3):
        state, _ = changed_until(line)
        assert any(len(state) == len(w) and all(map(torch.equal, state, w)) for w in (before, after)), line
