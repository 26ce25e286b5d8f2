"""The data: complete, checked, unpacked so that nobody ever sees half a file, and one clear error for each mishap."""

import errno
import gzip
import hashlib
import os
import shutil
import struct
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import supsup_lite as sl
from supsup_lite.data import datasets as data
from supsup_lite.data import folders

DATA = data.data_folder()
LABELS = "t10k-labels-idx1-ubyte"  # the smallest file: 5 kB


@pytest.fixture
def fresh_cache(tmp_path, monkeypatch):
    """An empty folder to unpack into; what other tests have loaded is neither seen nor changed."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("SUPSUP_CACHE", str(cache))
    data._load.cache_clear()
    yield cache
    data._load.cache_clear()


@pytest.fixture
def one_file(fresh_cache, tmp_path, monkeypatch):
    """A data folder, a copy, that needs one small file only: its .gz and where it is unpacked."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    shutil.copy(DATA / "mnist" / f"{LABELS}.gz", folder)
    monkeypatch.setenv("SUPSUP_DATA", str(folder.parent))
    monkeypatch.setitem(data.CHECKSUMS, "mnist", {LABELS: data.CHECKSUMS["mnist"][LABELS]})
    return SimpleNamespace(packed=folder / f"{LABELS}.gz", unpacked=fresh_cache / "MNIST" / "raw" / LABELS)


def everything_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


# What is in it


@pytest.mark.parametrize(
    ("read", "counts", "first"),
    [
        (sl.mnist, [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949], 5),
        (sl.fashion_mnist, [6000] * 10, 9),
    ],
)
def test_training_half_is_complete(read, counts, first):
    train, _ = read()
    assert train.pixels.shape == (60_000, 28, 28)
    assert train.pixels.dtype == torch.uint8
    assert train.labels.dtype == torch.long
    assert train.labels.bincount().tolist() == counts
    assert train.labels[0] == first
    assert len(train) == 60_000


@pytest.mark.parametrize(
    ("read", "counts", "first"),
    [
        (sl.mnist, [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009], 7),
        (sl.fashion_mnist, [1000] * 10, 9),
    ],
)
def test_test_half_is_complete(read, counts, first):
    _, test = read()
    assert test.pixels.shape == (10_000, 28, 28)
    assert test.labels.bincount().tolist() == counts
    assert test.labels[0] == first
    assert len(test) == 10_000


def test_mnist_is_the_original_file():
    train, _ = sl.mnist()
    header = struct.pack(">4I", 2051, 60_000, 28, 28)
    original = header + train.pixels.cpu().numpy().tobytes()
    assert hashlib.md5(original, usedforsecurity=False).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


def test_pixels_and_labels_are_those_of_the_files():
    """Read the test half with nothing but gzip and struct."""
    for name, read in (("mnist", sl.mnist), ("fashion_mnist", sl.fashion_mnist)):
        pixels = gzip.decompress((DATA / name / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
        labels = gzip.decompress((DATA / name / f"{LABELS}.gz").read_bytes())[8:]
        _, test = read()
        assert test.pixels.cpu().numpy().tobytes() == pixels
        assert test.labels.tolist() == list(labels)


def test_second_call_reads_nothing():
    assert sl.mnist()[0].pixels.data_ptr() == sl.mnist()[0].pixels.data_ptr()


def test_data_is_on_the_chosen_device():
    assert sl.mnist(device="meta")[0].pixels.device.type == "meta"
    assert sl.mnist()[0].labels.device.type == sl.device().type


# Unpacking


def test_unpacks_into_an_empty_cache_and_leaves_nothing_beside(fresh_cache):
    train, test = sl.mnist()
    assert (len(train), len(test)) == (60_000, 10_000)
    assert [path.name for path in everything_in(fresh_cache)] == sorted(data.CHECKSUMS["mnist"])
    assert {path.name for path in fresh_cache.rglob("*") if path.is_dir()} == {"MNIST", "raw"}


def test_data_folder_is_only_read(fresh_cache, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(DATA / "mnist", folder / "mnist")
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in everything_in(folder)}
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    monkeypatch.setenv("SUPSUP_DATA", str(folder))
    assert len(sl.mnist()[0]) == 60_000
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in everything_in(folder)} == before
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)


def test_nothing_is_at_the_target_until_it_is_whole(one_file, monkeypatch):
    seen = []

    def in_small_pieces(source, sink):
        while piece := source.read(500):
            sink.write(piece)
            sink.flush()
            seen.append(one_file.unpacked.exists())

    monkeypatch.setattr(data, "_copy", in_small_pieces)
    data._unpack("mnist")
    assert len(seen) > 10
    assert not any(seen)
    assert one_file.unpacked.stat().st_size == 10_008


@pytest.mark.parametrize("crash", [KeyboardInterrupt, MemoryError, SystemExit])
def test_a_crash_in_the_middle_leaves_nothing(one_file, monkeypatch, crash):
    def half_way(source, sink):
        sink.write(source.read(5000))
        sink.flush()
        raise crash

    with monkeypatch.context() as patched:
        patched.setattr(data, "_copy", half_way)
        with pytest.raises(crash):
            data._unpack("mnist")
    assert list(one_file.unpacked.parent.iterdir()) == []
    data._unpack("mnist")
    assert one_file.unpacked.stat().st_size == 10_008


@pytest.mark.parametrize("damage", ["shorter", "longer", "another byte", "empty"])
def test_a_damaged_copy_in_the_cache_heals(one_file, damage):
    data._unpack("mnist")
    good = one_file.unpacked.read_bytes()
    changed = {"shorter": good[:-1], "longer": good + b"\0", "another byte": good[:99] + b"\xff" + good[100:]}
    one_file.unpacked.write_bytes(changed.get(damage, b""))
    data._unpack("mnist")
    assert one_file.unpacked.read_bytes() == good


def test_a_whole_copy_in_the_cache_is_not_written_again(one_file):
    data._unpack("mnist")
    before = one_file.unpacked.stat()
    one_file.packed.unlink()
    data._unpack("mnist")
    assert one_file.unpacked.stat() == before


# Mishaps


def flipped(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0x10]) + content[position + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "cut in its header": lambda content: content[:7],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "cut at the very end": lambda content: content[:-1],
    "without its last 8 bytes": lambda content: content[:-8],
    "flipped magic number": lambda content: flipped(content, 0),
    "flipped early": lambda content: flipped(content, len(content) // 10),
    "flipped in the middle": lambda content: flipped(content, len(content) // 2),
    "flipped late": lambda content: flipped(content, len(content) - 20),
    "flipped checksum": lambda content: flipped(content, len(content) - 6),
    "flipped length": lambda content: flipped(content, len(content) - 1),
    "no gzip at all": lambda content: b"<!DOCTYPE html><p>404</p>",
    "other data": lambda content: gzip.compress(b"not what it should be"),
    "more data": lambda content: content + gzip.compress(b"and more"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_gives_one_clear_error_that_names_it(one_file, damage):
    one_file.packed.write_bytes(DAMAGES[damage](one_file.packed.read_bytes()))
    with pytest.raises(data.DataError) as caught:
        sl.mnist()
    assert str(one_file.packed) in str(caught.value)
    assert "git checkout -- data" in str(caught.value)
    assert list(one_file.unpacked.parent.iterdir()) == []


def test_a_file_that_inflates_to_more_than_any_of_ours_does_not_fill_the_disk(one_file, monkeypatch):
    one_file.packed.write_bytes(gzip.compress(bytes(10**6)))
    monkeypatch.setattr(data, "LARGEST", 9_999)
    is_intact, sizes = data._is_intact, []

    def measured(path, checksum):
        sizes.append(path.stat().st_size if path.exists() else 0)
        return is_intact(path, checksum)

    monkeypatch.setattr(data, "_is_intact", measured)
    with pytest.raises(data.DataError, match="wrong SHA-256"):
        sl.mnist()
    assert max(sizes) == 10_000


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX")
def test_a_pipe_in_the_place_of_a_copy_is_replaced(one_file):
    one_file.unpacked.parent.mkdir(parents=True)
    os.mkfifo(one_file.unpacked)
    data._unpack("mnist")
    assert one_file.unpacked.is_file()


def test_every_file_is_checked(fresh_cache, tmp_path, monkeypatch):
    """With damage in any one of the eight files, that one is named."""
    folder = tmp_path / "data"
    monkeypatch.setenv("SUPSUP_DATA", str(folder))
    for name, files in data.CHECKSUMS.items():
        (folder / name).mkdir(parents=True)
        for file, checksum in files.items():
            packed = folder / name / f"{file}.gz"
            packed.write_bytes(gzip.compress(b"damaged"))
            with monkeypatch.context() as patched:
                patched.setitem(data.CHECKSUMS, name, {file: checksum})
                with pytest.raises(data.DataError, match=file):
                    data._unpack(name)


def test_a_missing_file_is_named(one_file):
    one_file.packed.unlink()
    with pytest.raises(data.DataError, match=rf"{LABELS}\.gz is missing.*git checkout"):
        sl.mnist()


def test_data_error_is_a_value_error():
    assert issubclass(sl.DataError, ValueError)


def test_a_cache_that_cannot_be_made_says_so(one_file, tmp_path, monkeypatch):
    (tmp_path / "a file").write_text("in the way")
    monkeypatch.setenv("SUPSUP_CACHE", str(tmp_path / "a file" / "cache"))
    with pytest.raises(data.DataError, match=rf"{LABELS} cannot be unpacked into .*SUPSUP_CACHE"):
        sl.mnist()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_says_so(one_file, fresh_cache):
    fresh_cache.mkdir()
    fresh_cache.chmod(0o555)
    with pytest.raises(data.DataError, match="SUPSUP_CACHE"):
        sl.mnist()
    fresh_cache.chmod(0o755)


def test_a_full_disk_says_so_and_leaves_nothing(one_file, monkeypatch):
    def full(source, sink):
        sink.write(source.read(100))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(data, "_copy", full)
    with pytest.raises(data.DataError, match=r"No space left on device.*Free some disk space"):
        sl.mnist()
    assert list(one_file.unpacked.parent.iterdir()) == []


def test_a_limit_on_file_size_says_so(one_file):
    """As the full disk, but the error comes from the operating system."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(data.DataError, match="cannot be unpacked"):
            data._unpack("mnist")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(one_file.unpacked.parent.iterdir()) == []


# Where it is looked for


@pytest.mark.parametrize(
    ("variable", "folder"), [("SUPSUP_CACHE", folders.cache_folder), ("SUPSUP_DATA", folders.data_folder)]
)
def test_a_path_with_a_tilde_is_in_the_home_folder(monkeypatch, tmp_path, variable, folder):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/there")
    assert folder() == tmp_path / "there"
    monkeypatch.setenv(variable, "~nobody-of-this-name/there")
    with pytest.raises(ValueError, match=rf"{variable} is .*no such home folder"):
        folder()


def test_the_data_is_found_from_any_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("SUPSUP_DATA", raising=False)
    before = folders.data_folder()
    monkeypatch.chdir(tmp_path)
    assert folders.data_folder() == before
    assert (before / "mnist").is_dir()


@pytest.mark.parametrize("usual", ["~/.cache/supsup-lite", "a file/supsup-lite"])
def test_without_a_cache_that_can_be_written_a_temporary_one_serves(fresh_cache, monkeypatch, tmp_path, usual):
    (tmp_path / "a file").touch()
    monkeypatch.delenv("SUPSUP_CACHE")
    monkeypatch.chdir(tmp_path)
    where = usual if usual.startswith("~") else str(tmp_path / usual)
    monkeypatch.setattr(folders.platformdirs, "user_cache_dir", lambda name: where)
    monkeypatch.setattr(folders.tempfile, "gettempdir", lambda: str(tmp_path))
    assert folders.cache_folder().parent == tmp_path
    assert len(sl.mnist()[1]) == 10_000
    assert not (tmp_path / "~").exists()


# Without the repository's data folder


def test_a_mistyped_data_folder_is_named(fresh_cache, monkeypatch):
    monkeypatch.setenv("SUPSUP_DATA", str(fresh_cache / "no such folder"))
    with pytest.raises(data.DataError, match=r"no such folder.*is no folder"):
        data._unpack("mnist")


def test_without_a_data_folder_torchvision_downloads(one_file, fresh_cache, monkeypatch):
    content = gzip.decompress(one_file.packed.read_bytes())

    def download(root, download):
        assert download
        one_file.unpacked.parent.mkdir(parents=True)
        (Path(root) / "MNIST" / "raw" / LABELS).write_bytes(content)

    monkeypatch.setenv("SUPSUP_DATA", str(one_file.packed.parent))  # a folder without mnist/
    monkeypatch.setattr(data, "torchvision_datasets", lambda: SimpleNamespace(MNIST=download))
    assert data._unpack("mnist") == fresh_cache
    assert one_file.unpacked.read_bytes() == content


@pytest.mark.parametrize("error", [ConnectionError("no network"), RuntimeError("File not found or corrupted.")])
def test_a_failed_download_says_what_to_do(one_file, monkeypatch, error):
    def download(root, download):
        raise error

    monkeypatch.setenv("SUPSUP_DATA", str(one_file.packed.parent))
    monkeypatch.setattr(data, "torchvision_datasets", lambda: SimpleNamespace(MNIST=download))
    with pytest.raises(data.DataError, match=rf"{error}.*SUPSUP_DATA"):
        sl.mnist()


# torchvision beside any torch


def test_torchvision_is_usable_beside_this_torch():
    """A CPU-only torch cannot load the operators of torchvision's CUDA wheel; the data sets work all the same."""
    datasets = data.torchvision_datasets()
    assert {"MNIST", "FashionMNIST", "CIFAR100", "ImageFolder"} <= set(vars(datasets))
    assert data.torchvision_datasets() is datasets


def test_another_failure_of_torchvision_is_not_hidden(monkeypatch):
    def fail():
        raise RuntimeError("compiled with different CUDA major versions")

    monkeypatch.setattr(data, "_import_datasets", fail)
    with pytest.raises(RuntimeError, match="different CUDA major versions"):
        data.torchvision_datasets()
