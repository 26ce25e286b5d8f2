"""Files of stores and Hopfield stores: paths as they are meant, one content one file, and what was made to mislead."""

import copy
import json
import os
import pickle
import time
import tracemalloc
import zlib

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import supsup_lite as sl
from supsup_lite.files import blocks_content, header, write
from supsup_lite.masks.compression import decode, encode
from supsup_lite.networks import MLP

POSIX = pytest.mark.skipif(os.name != "posix", reason="links, pipes and devices of POSIX")
ABOUT = {"note": 'ä "quoted"', "l": [1, None]}
IDENTITIES = [
    sl.TaskIdentity("permuted", "mnist", 0, 1, ("a", "b")),
    None,
    sl.TaskIdentity("split", "x", None, 0, ("a",)),
]
LEARNED = sl.Learned(10, 0.5, sl.DEFAULT, 3)


def tiny(seed=0):
    """30 + 35 weights: neither layer fills its last byte."""
    return MLP("tiny", (6, 5, 7), seed, "cpu")


def masks_of(net=None, k=3):
    net = net or tiny()
    store = sl.MaskStore(net, ABOUT, LEARNED)
    for i in range(k):
        store.append(sl.random_mask(net, 0.4, 0, i), IDENTITIES[i % 3])
    return store


def hopfield(rule="centred", dim=12):
    store = sl.HopfieldStore(dim, rule, "cpu")
    for i in range(3):
        store.store(torch.from_numpy(np.random.default_rng(i).integers(0, 2, dim) * 2.0 - 1).float())
    return store


def load_masks(path, net=None):
    return sl.MaskStore.load(path, net or tiny())


def load_hopfield(path):
    return sl.HopfieldStore.load(path, "cpu")


BOTH = pytest.mark.parametrize(("make", "load"), [(masks_of, load_masks), (hopfield, load_hopfield)])


def same(one, other):
    if isinstance(one, sl.HopfieldStore):
        return (one.rule, len(one)) == (other.rule, len(other)) and torch.equal(one.psi, other.psi)
    alike = (one.identities, one.learned, one.about) == (other.identities, other.learned, other.about)
    return alike and all(torch.equal(one.packed(name), other.packed(name)) for name in one.shapes)


# Paths


@POSIX
@BOTH
def test_a_link_stays_one_and_what_it_leads_to_is_written(make, load, tmp_path):
    (tmp_path / "there").mkdir()
    target, link, second = tmp_path / "there" / "store", tmp_path / "link", tmp_path / "second"
    link.symlink_to(target)
    second.symlink_to("link")
    for path in (link, second):  # at first to nothing
        make().save(path)
        assert link.is_symlink()
        assert second.is_symlink()
        assert same(load(target), make())
        assert same(load(path), make())
        target.unlink()
    assert sorted(os.listdir(tmp_path)) == ["link", "second", "there"]
    link.unlink()
    link.symlink_to("link")
    with pytest.raises(OSError, match="link"):
        make().save(link)
    assert link.is_symlink()


@POSIX
@BOTH
def test_a_tilde_is_the_home_folder(make, load, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    make().save("~/store")
    assert os.listdir(tmp_path) == ["store"]
    assert same(load("~/store"), make())
    for call in (make().save, load):
        with pytest.raises(ValueError, match="nobody-of-this-name"):
            call("~nobody-of-this-name/store")


@BOTH
@pytest.mark.parametrize("path", [5, None, b"store", ["store"], 1.5])
def test_what_is_no_path_is_refused(make, load, path):
    for call in (make().save, load):
        with pytest.raises(TypeError, match="path must be a text"):
            call(path)
        with pytest.raises(ValueError, match="zero byte"):
            call("a\0b")


@POSIX
@BOTH
def test_only_a_regular_file_is_read_or_replaced(make, load, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    device = tmp_path / "device"
    device.symlink_to("/dev/zero")
    for path in (pipe, device, "/dev/zero", "/dev/null"):
        for call in (make().save, load):
            with pytest.raises(ValueError, match=f"{path} is a pipe, socket or device, no regular file"):
                call(path)
    assert pipe.is_fifo()
    assert os.path.exists("/dev/zero")


@BOTH
def test_what_a_kill_left_is_removed_and_nothing_else(make, load, tmp_path):
    now = time.time()
    stale, others = ["store.0123abcd.part"], ["store.part", "store.0123abcd.parts", "other.0123abcd.part"]
    others += ["store.xyz.part", "store.89abcdef.part", "store.0123ABCD.part"]
    for name in stale + others:
        (tmp_path / name).write_bytes(b"half")
        os.utime(tmp_path / name, (now - 4000, now - 4000))
    os.utime(tmp_path / "store.89abcdef.part")  # of a process that is writing now
    make().save(tmp_path / "store")
    assert sorted(os.listdir(tmp_path)) == sorted([*others, "store"])
    assert same(load(tmp_path / "store"), make())


def test_a_folder_that_cannot_be_listed_is_written_to_all_the_same(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(path)

    monkeypatch.setattr(os, "scandir", refuse)
    write(tmp_path / "some", b"content")
    assert (tmp_path / "some").read_bytes() == b"content"


# One content, one file


@BOTH
def test_one_store_is_always_the_same_bytes(make, load, tmp_path):
    contents = set()
    for i in range(6):
        make().save(tmp_path / f"{i}")
        load(tmp_path / f"{i}").save(tmp_path / "again")
        contents |= {(tmp_path / name).read_bytes() for name in (f"{i}", "again")}
    assert len(contents) == 1
    (content,) = contents
    assert safetensors.torch.load(content).keys() in ({"index", "blocks"}, {"psi", "mean"})


def test_a_copy_holds_what_is_there_and_no_more():
    net = sl.lenet_300_100(device="cpu")
    store = masks_of(net, 40)
    store.reserve(200)
    bare = len(pickle.dumps(sl.MaskStore(net)))
    for copied in (lambda part: part, copy.copy, copy.deepcopy):
        part = copied(store[:1])
        assert len(pickle.dumps(part)) - bare < 2 * part.nbytes
        assert same(pickle.loads(pickle.dumps(part)), store[:1])
    assert len(pickle.dumps(store)) - bare < 1.1 * store.nbytes
    assert copy.copy(store[:1]).packed("fc1.weight").untyped_storage().nbytes() == 784 * 300 / 8


# Made to mislead. `resealed` files have checksums that fit: nothing but their content gives them away.


def resealed(content, metadata=None, tensors=None):
    """A file with other metadata or tensors, and with checksums that fit."""
    length = 8 + int.from_bytes(content[:8], "little")
    given = json.loads(content[8:length])["__metadata__"] | {"sha256": header.BLANK} | (metadata or {})
    tensors = safetensors.torch.load(content) if tensors is None else tensors
    blank = safetensors.torch.save(tensors, {name: text for name, text in given.items() if text is not None})
    length = 8 + int.from_bytes(blank[:8], "little")
    covered = 8 * len(tensors["index"]) if "index" in tensors else len(blank) - length
    return header.sealed(blank[:length], blank[length : length + covered]) + blank[length:]


def content_of(store, tmp_path):
    store.save(tmp_path / "good")
    return (tmp_path / "good").read_bytes()


def of_version(version, store, tmp_path):
    """The file that a version of `save` wrote."""
    if version >= 3:  # the same without batch norm
        return resealed(content_of(store, tmp_path), {"version": str(version)})
    net = store.net
    metadata = {
        "network": json.dumps({"name": net.name, "outputs": net.outputs, "seed": net.seed}),
        "fingerprint": net.fingerprint(),
        "about": json.dumps(store.about),
    }
    if version == 2:
        rows = torch.cat([store.packed(name) for name in store.shapes], dim=1).numpy()
        return blocks_content("supsup-lite masks", 2, [encode(row, [4, 5]) for row in rows], metadata)
    metadata |= {"format": "supsup-lite masks", "version": "1", "sha256": header.BLANK}
    blank = safetensors.torch.save({name: store.packed(name).contiguous() for name in store.shapes}, metadata)
    return resealed(blank)


def refused(load, content, tmp_path):
    path = tmp_path / "crafted"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="crafted") as caught:
        load(path)
    assert caught.type is ValueError
    return str(caught.value)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_resealing_by_itself_is_harmless(version, tmp_path):
    store = masks_of()
    content = of_version(version, store, tmp_path)
    (tmp_path / "again").write_bytes(resealed(content))
    loaded = load_masks(tmp_path / "again")
    assert all(torch.equal(loaded.packed(name), store.packed(name)) for name in store.shapes)
    assert version < 3 or same(loaded, store)


NO_JSON = ["", "{", "[" * 100_000, "\ufeff{}", '{"a": 1}}', "9" * 5000]
NO_FACTS = ["null", "5", "[]", "{}", '"tiny"', '{"name": "tiny"}', "[[]]"]


SOUND = {("about", "{}"), ("about", '{"name": "tiny"}'), ("learned", "null")}
KNOWN = {1: ["network", "about"], 2: ["network", "about"], 4: ["network", "about", "learned", "identities"]}
NOTHING = [
    (version, name, text)
    for version, names in KNOWN.items()
    for name in names
    for text in [*NO_JSON, *NO_FACTS]
    if (name, text) not in SOUND
]


@pytest.mark.parametrize(("version", "name", "text"), NOTHING, ids=lambda said: str(said)[:12])
def test_metadata_that_say_nothing_are_refused(version, name, text, tmp_path):
    store = masks_of()
    content = of_version(version, store, tmp_path)
    other = {"fingerprint": "of another network"} if name == "network" else {}
    refused(load_masks, resealed(content, {name: text} | other), tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("about", '[["keep", 1]]'),
        ("learned", '{"num_classes": 10, "keep": null, "recipe": null, "seed": 0}'),
        ("learned", '{"num_classes": 0, "keep": null, "recipe": null, "seed": 0, "transfer": false}'),
        ("learned", '{"num_classes": 10, "keep": 30, "recipe": null, "seed": 0, "transfer": false}'),
        ("learned", '{"num_classes": 10, "keep": null, "recipe": {"steps": 3}, "seed": 0, "transfer": false}'),
        ("learned", '{"num_classes": 10, "keep": null, "recipe": [3], "seed": 0, "transfer": false}'),
        ("identities", '{"suites": [], "tasks": [null, null]}'),
        ("identities", '{"suites": [], "tasks": [null, null, [0, 0]]}'),
        ("identities", '{"suites": [["a", "b", null, "abc"]], "tasks": [null, null, [0, 0]]}'),
        ("identities", '{"suites": [["a", "b", null, ["c"]]], "tasks": [null, null, [0, -1]]}'),
        ("identities", '{"suites": [["a", "b", -1, ["c"]]], "tasks": [null, null, [0, 0]]}'),
        ("identities", '{"suites": [["a", "b"]], "tasks": [null, null, null]}'),
        ("identities", '{"suites": {}, "tasks": "abc"}'),
        ("identities", '{"suites": [[{}, "b", null, ["c"]]], "tasks": [null, null, [0, 0]]}'),
    ],
)
def test_what_no_store_can_be_is_refused(name, text, tmp_path):
    refused(load_masks, resealed(content_of(masks_of(), tmp_path), {name: text}), tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_bits_behind_the_last_weight_are_refused(version, tmp_path):
    """They would count as weights that are kept."""
    for name in ("fc1.weight", "fc2.weight"):
        store = masks_of()
        store.packed(name)[1, -1] |= 128
        content = of_version(version, store, tmp_path)
        assert f"mask 1 of {tmp_path / 'crafted'} keeps weights of {name}" in refused(load_masks, content, tmp_path)


def crafted_block(block, tmp_path, k=3):
    """A store whose first mask is this block."""
    good = content_of(masks_of(k=k), tmp_path)
    tensors = safetensors.torch.load(good)
    first = int(tensors["index"][0, 0])
    rest = tensors["blocks"].numpy().tobytes()[first:]
    index = tensors["index"].clone()
    index[0] = torch.from_numpy(np.array([len(block), zlib.crc32(block)], np.uint32).view(np.int32))
    blocks = torch.frombuffer(bytearray(block + rest), dtype=torch.uint8)
    return resealed(good, tensors={"index": index, "blocks": blocks})


def deflated(content):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(content) + stream.flush()


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_a_block_is_not_inflated_beyond_what_a_mask_needs(kind, tmp_path):
    """Of a stream of 100 MB not a thousandth is unpacked, and of ten of them neither."""
    content = crafted_block(bytes([kind, 2]) + deflated(bytes([255]) * 2**26), tmp_path)
    path = tmp_path / "crafted"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match="crafted is no mask"):
        load_masks(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21


def test_a_code_that_fills_its_room_exactly_is_read():
    for mask in (np.zeros(9, np.uint8), np.full(9, 255, np.uint8), np.arange(9, dtype=np.uint8)):
        np.testing.assert_array_equal(decode(encode(mask, [4, 5]), [4, 5]), mask)
    every = bytes([1, 1]) + deflated(bytes(72))  # 72 gaps of none: each of 72 weights is kept
    assert decode(every, [9]).tolist() == [255] * 9
    with pytest.raises(ValueError, match="more than 72 symbols"):
        decode(bytes([1, 1]) + deflated(bytes(73)), [9])


def test_empty_parts_are_refused_at_once(tmp_path):
    """200,000 of them took ten seconds, because each copied what was left. The time of a busy machine is not ours."""
    began = time.process_time()
    with pytest.raises(ValueError, match="a part of 0 layers"):
        decode((b"\0\0" + deflated(b"")) * 200_000, [4, 5])
    refused(load_masks, crafted_block((b"\0\0" + deflated(b"")) * 200_000, tmp_path), tmp_path)
    assert time.process_time() - began < 2


def sparse(path, content, size):
    """A file of this size that takes no room on the disk beyond its content."""
    path.write_bytes(content)
    os.truncate(path, size)


@POSIX
@pytest.mark.parametrize("count", [2**31, 2**40, 2**47])
def test_counts_of_thousands_of_millions_are_refused_before_memory_is_taken(count, tmp_path):
    head = header.new_header(
        "supsup-lite masks",
        3,
        dict.fromkeys(["network", "fingerprint", "about", "learned", "identities"], "{}"),
        {"index": ("I32", (count, 2)), "blocks": ("U8", (0,))},
    )
    refused(load_masks, head, tmp_path)
    path = tmp_path / "crafted"
    whole = len(head) + 8 * count
    if whole < 2**45:  # a file as long as it says, all holes
        try:
            sparse(path, head, whole)
        except OSError:
            pytest.skip("this disk has no files of that size")
        with pytest.raises(ValueError, match="crafted"):
            load_masks(path)


@POSIX
def test_a_block_of_gigabytes_is_not_read(tmp_path):
    size = 2**31
    good = content_of(masks_of(k=1), tmp_path)
    metadata = json.loads(good[8 : 8 + int.from_bytes(good[:8], "little")])["__metadata__"]
    said = {name: metadata[name] for name in ("network", "fingerprint", "about", "learned", "identities")}
    index = np.array([[size, 0]], "<u4").tobytes()
    head = header.new_header("supsup-lite masks", 3, said, {"index": ("I32", (1, 2)), "blocks": ("U8", (size,))})
    sparse(tmp_path / "crafted", header.sealed(head, index) + index, len(head) + 8 + size)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"mask 0 of .*crafted is no mask of this network \(2,147,483,648 bytes"):
        load_masks(tmp_path / "crafted")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**21


@POSIX
@pytest.mark.parametrize("load", [load_masks, load_hopfield])
def test_a_header_of_gigabytes_is_not_read(load, tmp_path):
    sparse(tmp_path / "crafted", (2**33).to_bytes(8, "little") + b"{", 2**33 + 8)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"crafted .*a header of 8,589,934,592 bytes"):
        load(tmp_path / "crafted")
    assert tracemalloc.get_traced_memory()[1] < 2**21
    tracemalloc.stop()


@pytest.mark.parametrize("load", [load_masks, load_hopfield])
@pytest.mark.parametrize("unit", ["[]", "{}", "1"])
def test_a_header_takes_no_more_memory_than_its_own_bytes_again(load, unit, tmp_path):
    """Lists of nothing take 25 bytes for each of their own, before any checksum could be looked at."""
    text = f'{{"a":[{",".join([unit] * (10**7 // (len(unit) + 1)))}]}}'.encode()
    (tmp_path / "store").write_bytes(len(text).to_bytes(8, "little") + text)
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"store is not one of .* bytes of lists"):
        load(tmp_path / "store")
    assert tracemalloc.get_traced_memory()[1] < 5 * len(text)
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["identities", "learned"])
def test_metadata_of_millions_of_lists_are_refused_before_they_are_made(name, tmp_path):
    path = tmp_path / "store"
    masks_of().save(path)
    path.write_bytes(resealed(path.read_bytes(), {name: f"[{','.join(['[]'] * 10**6)}]"}))
    with pytest.raises(ValueError, match=f"store does not say its {name} .* bytes of lists"):
        load_masks(path)


def test_many_notes_come_back(tmp_path):
    store, notes = masks_of(), {"losses": list(range(300_000))}
    store.about |= notes
    store.save(tmp_path / "store")
    assert load_masks(tmp_path / "store").about == store.about


@POSIX
def test_a_matrix_larger_than_the_memory_is_not_read(tmp_path, monkeypatch):
    good = content_of(hopfield(dim=100), tmp_path)
    (tmp_path / "crafted").write_bytes(good)
    monkeypatch.setattr("supsup_lite.devices.free_memory", lambda where: 1000)
    with pytest.raises(ValueError, match=r"crafted takes .* MB, and cpu has 0 MB free"):
        load_hopfield(tmp_path / "crafted")


def test_notes_that_hold_themselves_are_refused(tmp_path):
    notes = {"deep": []}
    notes["deep"].append(notes)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for about in (notes, {"deep": deep}):
        with pytest.raises(TypeError, match="`about` can hold what JSON can"):
            sl.MaskStore(tiny(), about).save(tmp_path / "masks")
    assert os.listdir(tmp_path) == []


def test_what_is_noted_may_not_be_longer_than_a_reader_takes(tmp_path):
    store = sl.MaskStore(tiny(), {"much": "x" * 2**24})
    with pytest.raises(ValueError, match="at most 16,777,216"):
        store.save(tmp_path / "masks")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("value", [{}, "text", 7, None, ["a"], {"a": {"b": 1}}], ids=repr)
@pytest.mark.parametrize("load", [load_masks, load_hopfield])
def test_headers_of_any_json_are_refused(load, value, tmp_path):
    for header_value in (value, {"__metadata__": value}, {"__metadata__": {"version": "1", "sha256": value}}):
        text = json.dumps(header_value).encode()
        refused(load, len(text).to_bytes(8, "little") + text, tmp_path)
    for text in (b"[" * 200_000, b"\xff\xfe", b'{"a":' * 100_000):
        refused(load, len(text).to_bytes(8, "little") + text, tmp_path)


def hopfield_tensors(**changes):
    store = hopfield()
    return {"psi": store.psi.clone(), "mean": store.mean.clone()} | changes


def one_off(tensor, place, value):
    tensor[place] = value
    return tensor


CRAFTED = {
    "a mean NaN": lambda t: t | {"mean": one_off(t["mean"], 3, torch.nan)},
    "a mean of 1e30": lambda t: t | {"mean": one_off(t["mean"], 3, 1e30)},
    "a mean above 1": lambda t: t | {"mean": one_off(t["mean"], 3, 1.001)},
    "a mean of one more": lambda t: t | {"mean": torch.zeros(13)},
    "a mean in a row": lambda t: t | {"mean": t["mean"][None].clone()},
    "double": lambda t: t | {"psi": t["psi"].double()},
    "half": lambda t: {name: values.half() for name, values in t.items()},
    "whole numbers": lambda t: t | {"psi": torch.zeros(12, 12, dtype=torch.int32)},
    "complex": lambda t: t | {"psi": t["psi"].to(torch.complex64)},
    "asymmetric": lambda t: t | {"psi": one_off(t["psi"], (0, 1), 5.0)},
    "infinite": lambda t: t | {"psi": torch.full((12, 12), torch.inf).fill_diagonal_(0)},
    "a diagonal": lambda t: t | {"psi": one_off(t["psi"], (0, 0), 1.0)},
    "one too many": lambda t: t | {"extra": torch.zeros(1)},
    "one missing": lambda t: {"psi": t["psi"]},
    "none": lambda t: {},
    "a number": lambda t: t | {"psi": torch.zeros(())},
    "empty": lambda t: {"psi": torch.zeros(0, 0), "mean": torch.zeros(0)},
    "of one unit": lambda t: {"psi": torch.zeros(1, 1), "mean": torch.zeros(1)},
}


@pytest.mark.parametrize("change", CRAFTED.values(), ids=CRAFTED)
def test_matrices_that_no_store_can_have_are_refused(change, tmp_path):
    content = content_of(hopfield(), tmp_path)
    assert same(load_hopfield(tmp_path / "good"), hopfield())
    refused(load_hopfield, resealed(content, tensors=change(hopfield_tensors())), tmp_path)


@pytest.mark.parametrize(
    "said",
    [{"rule": "own"}, {"rule": None}, {"patterns": None}]
    + [{"patterns": text} for text in ("", "-1", "1.5", "null", "[]", "true", '"3"', "0", "[" * 100_000, "NaN")],
    ids=lambda said: repr(said)[:40],
)
def test_a_hopfield_store_that_says_nonsense_is_refused(said, tmp_path):
    refused(load_hopfield, resealed(content_of(hopfield(), tmp_path), said), tmp_path)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The good files that are damaged below, with what reads them."""
    folder = tmp_path_factory.mktemp("good")
    store = masks_of()
    files = [of_version(version, store, folder) for version in (4, 3, 2, 1)]
    return [*((content, load_masks) for content in files), (content_of(hopfield(), folder), load_hopfield)]


def outcome(load, content, folder):
    """What becomes of a file: a store, or None where it is refused in words that name it."""
    path = folder / "damaged"
    path.write_bytes(content)
    try:
        return load(path)
    except ValueError as error:
        assert type(error) is ValueError  # noqa: PT017
        assert "damaged" in str(error)  # noqa: PT017
        return None


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_a_damaged_file_is_never_loaded(good, tmp_path_factory, data):
    content, load = data.draw(st.sampled_from(good))
    place = data.draw(st.integers(0, len(content) - 1))
    inserted = data.draw(st.binary(max_size=12))
    changed = content[:place] + inserted + content[place + data.draw(st.integers(0, 12)) :]
    if changed != content:
        assert outcome(load, changed, tmp_path_factory.getbasetemp()) is None


@settings(deadline=None, max_examples=400)
@given(data=st.data())
def test_a_damaged_file_with_checksums_that_fit_is_refused_in_words_or_is_a_store(good, tmp_path_factory, data):
    """What remains is a store that `save` could have written: it is loaded as it says."""
    content, load = data.draw(st.sampled_from(good))
    length = 8 + int.from_bytes(content[:8], "little")
    place = data.draw(st.integers(8, len(content) - 1) | st.integers(8, length - 1))
    stop = place + data.draw(st.integers(1, 6))
    inserted = data.draw(st.binary(min_size=stop - place, max_size=stop - place))
    changed = content[:place] + inserted + content[stop:]
    changed = (
        header.CHECKSUM_FIELD.sub(b'"sha256":"' + header.BLANK.encode() + b'"', changed[:length]) + changed[length:]
    )
    covered = len(changed) - length if load is load_hopfield or b'"version":"1"' in content[:length] else 24
    try:
        changed = header.sealed(changed[:length], changed[length : length + covered]) + changed[length:]
    except ValueError:  # the checksum's own field is gone
        return
    loaded = outcome(load, changed, tmp_path_factory.getbasetemp())
    if loaded is not None:
        loaded.save(tmp_path_factory.getbasetemp() / "again")
        assert same(load(tmp_path_factory.getbasetemp() / "again"), loaded)


# Errors in the words of this package


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda s: sl.MaskStore(5), TypeError, "net must be a supsup_lite network"),
        (lambda s: sl.MaskStore(None), TypeError, "net must be a supsup_lite network"),
        (lambda s: sl.MaskStore(s.net, [1]), TypeError, "about must be a dict"),
        (lambda s: sl.MaskStore(s.net, None, {"keep": 1}), TypeError, "learned must be a Learned"),
        (lambda s: s[1.5], TypeError, "whole number or a slice"),
        (lambda s: s["a":], TypeError, "whole number or a slice"),
        (lambda s: s[1.5:], TypeError, "whole number or a slice"),
        (lambda s: s[::0], TypeError, "whole number or a slice"),
        (lambda s: s[torch.tensor(1.5)], TypeError, "whole number or a slice"),
        (lambda s: s[torch.tensor(True)], TypeError, "whole number or a slice"),
        (lambda s: s[np.True_], TypeError, "whole number or a slice"),
        (lambda s: s[torch.tensor([1, 2])], TypeError, "whole number or a slice"),
        (lambda s: s[3], IndexError, "this store has 3 masks, so there is no mask 3"),
        (lambda s: s.extend([1, 2]), TypeError, "a mask is a dict of bool tensors"),
        (lambda s: s.extend(None), TypeError, "a mask is a dict of bool tensors"),
        (lambda s: s.extend(dict.fromkeys(s.shapes, 3)), TypeError, "must be a bool tensor"),
        (lambda s: s.extend(dict.fromkeys(s.shapes, torch.tensor(True))), ValueError, "expected"),
        (lambda s: s.append([1]), TypeError, "a mask is a dict"),
        (lambda s: s.replace(3, s[0]), IndexError, "no mask 3"),
        (lambda s: s.replace(slice(2), s[0]), TypeError, "one mask is replaced at a time"),
        (lambda s: s.reserve(1.5), TypeError, "room must be a whole number"),
        (lambda s: s.reserve(-1), ValueError, "room must be 0 or more"),
        (
            lambda s: s.reserve(10**15),
            ValueError,
            r"room for 1,000,000,000,000,000 masks .* MB, and cpu has .* MB free",
        ),
        (lambda s: sl.MaskStore.load("none", 5), TypeError, "net must be a supsup_lite network"),
        (lambda s: sl.HopfieldStore(10**12, device="cpu"), ValueError, r"1,000,000,000,000 numbers, .* takes .* MB"),
        (lambda s: sl.HopfieldStore(12, ["hebb"], "cpu"), ValueError, "rule must be one of"),
    ],
)
def test_nonsense_is_refused(call, error, says):
    with pytest.raises(error, match=says):
        call(masks_of())


@pytest.mark.parametrize("key", [1.5, "a", None, slice("a", None), slice(None, None, 0), torch.tensor(0.5)])
def test_a_suite_is_indexed_as_a_list(key):
    suite = sl.split_mnist()
    with pytest.raises(TypeError, match="a task is chosen by a whole number or a slice"):
        suite[key]
    assert suite[np.int64(-1)].number == suite[torch.tensor(4)].number == 4


def test_a_refused_extension_changes_nothing():
    store, before = masks_of(), masks_of()
    with pytest.raises(TypeError):
        store.extend(store.chunk(0, 2), [None, 5])
    assert same(store, before)
