"""Small data sets in the original formats: CIFAR-100's pickles, ImageNet's archives, MNIST's idx files."""

import hashlib
import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from supsup_lite.data.datasets import torchvision_datasets
from supsup_lite.seeding import generator

CIFAR_TRAIN, CIFAR_TEST = 8, 3  # images a class
IMAGENET_CLASSES, IMAGENET_TRAIN, IMAGENET_VAL = 20, 6, 2
WNIDS = [f"n{7 * i + 1440764:08d}" for i in range(IMAGENET_CLASSES)]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def pictures(per_class: int, classes: int, shape: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise around a picture for each class, uint8 [N, *shape], and labels [N], in a random order."""
    centres = generator("centres", 0).integers(0, 256, (classes, *shape))
    draw = generator("noise around them", seed)
    labels = draw.permutation(np.arange(classes).repeat(per_class))
    pixels = 0.7 * centres[labels] + 0.3 * draw.integers(0, 256, (len(labels), *shape))
    return pixels.astype(np.uint8), labels


# CIFAR-100


def cifar100(root: Path, monkeypatch, unpacked: bool = True) -> dict[str, dict]:
    """Lay CIFAR-100 of 8 + 3 images a class under a root, as its folder or as its archive; return what is in it.

    torchvision is told the checksums of these files in place of the original's.
    """
    names = [f"class {i:02d}" for i in range(100)]
    content = {"meta": {"fine_label_names": names, "coarse_label_names": [f"group {i}" for i in range(20)]}}
    for split, per_class, seed in (("train", CIFAR_TRAIN, 0), ("test", CIFAR_TEST, 1)):
        pixels, labels = pictures(per_class, 100, (3072,), seed)
        content[split] = {
            "filenames": [f"{split}_{i}.png" for i in range(len(labels))],
            "batch_label": f"{split}ing batch 1 of 1",
            "fine_labels": labels.tolist(),
            "coarse_labels": (labels // 5).tolist(),
            "data": pixels,
        }
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    for file, entry in content.items():
        (folder / file).write_bytes(pickle.dumps(entry, protocol=2))
    reader = torchvision_datasets().CIFAR100
    monkeypatch.setattr(reader, "train_list", [["train", md5(folder / "train")]])
    monkeypatch.setattr(reader, "test_list", [["test", md5(folder / "test")]])
    monkeypatch.setattr(reader, "meta", reader.meta | {"md5": md5(folder / "meta")})
    if not unpacked:
        archive = root / "cifar-100-python.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, folder.name)
        monkeypatch.setattr(reader, "tgz_md5", md5(archive))
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    return content


# ImageNet


def photograph(label: int, number: int) -> bytes:
    """A JPEG whose colour says its class, of another size for each number."""
    width, height = 70 + 9 * number, 50 + 5 * number
    draw = generator("photograph", label, number)
    colour = np.array([20 + 11 * label, 235 - 11 * label, 40 + 90 * (label % 3)])
    pixels = np.clip(colour + draw.normal(0, 15, (height, width, 3)) + 20 * np.arange(width)[:, None] / width, 0, 255)
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()


def train_files() -> dict[str, dict[str, bytes]]:
    """The training images of each class by name."""
    return {
        wnid: {f"{wnid}_{n}.JPEG": photograph(label, n) for n in range(IMAGENET_TRAIN)}
        for label, wnid in enumerate(WNIDS)
    }


def val_files() -> list[tuple[str, int, bytes]]:
    """Name, label and content of the validation images, in a random order of classes."""
    labels = generator("validation", 0).permutation(np.arange(IMAGENET_CLASSES).repeat(IMAGENET_VAL)).tolist()
    return [
        (f"ILSVRC2012_val_{i + 1:08d}.JPEG", label, photograph(label, IMAGENET_TRAIN + i % 3))
        for i, label in enumerate(labels)
    ]


def names(label: int) -> str:
    return f"thing {label}, item {label}"


def imagenet(root: Path) -> Path:
    """Lay ImageNet of 20 classes under a root, unpacked as torchvision leaves it; return the root."""
    for wnid, files in train_files().items():
        (root / "train" / wnid).mkdir(parents=True)
        for name, content in files.items():
            (root / "train" / wnid / name).write_bytes(content)
    for name, label, content in val_files():
        (root / "val" / WNIDS[label]).mkdir(parents=True, exist_ok=True)
        (root / "val" / WNIDS[label] / name).write_bytes(content)
    classes = {wnid: tuple(names(label).split(", ")) for label, wnid in enumerate(WNIDS)}
    torch.save((classes, [WNIDS[label] for _, label, _ in val_files()]), root / "meta.bin")
    return root


def imagenet_archives(root: Path, monkeypatch) -> Path:
    """Lay the three archives of the same ImageNet under a root, and tell torchvision their checksums."""
    savemat = __import__("scipy.io").io.savemat
    root.mkdir(parents=True)
    synsets = [(label + 1, wnid, names(label), "", 0) for label, wnid in enumerate(WNIDS)]
    synsets.append((len(WNIDS) + 1, "n99999999", "entity", "", len(WNIDS)))  # an inner node of WordNet
    fields = [("ILSVRC2012_ID", "O"), ("WNID", "O"), ("words", "O"), ("gloss", "O"), ("num_children", "O")]
    mat = io.BytesIO()
    savemat(mat, {"synsets": np.array(synsets, dtype=fields)})
    truth = "".join(f"{label + 1}\n" for _, label, _ in val_files()).encode()
    inside = "ILSVRC2012_devkit_t12/data/"
    devkit = {f"{inside}meta.mat": mat.getvalue(), f"{inside}ILSVRC2012_validation_ground_truth.txt": truth}
    packed = {
        "devkit": ("ILSVRC2012_devkit_t12.tar.gz", pack(devkit, "w:gz")),
        "train": ("ILSVRC2012_img_train.tar", pack({f"{wnid}.tar": pack(f) for wnid, f in train_files().items()})),
        "val": ("ILSVRC2012_img_val.tar", pack({name: content for name, _, content in val_files()})),
    }
    for part, (file, content) in packed.items():
        (root / file).write_bytes(content)
        monkeypatch.setitem(torchvision_datasets().imagenet.ARCHIVE_META, part, (file, md5(root / file)))
    return root


def pack(files: dict[str, bytes], mode: str = "w") -> bytes:
    """A tar archive of some files."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


# KMNIST and EMNIST


def idx(root: Path, prefix: str, classes: int, per_class: tuple[int, int] = (6, 2)) -> dict[str, tuple]:
    """Lay idx files of 28 x 28 images under a root; return pixels [N, 28, 28] and labels of each half."""
    root.mkdir(parents=True)
    content = {}
    for half, count, seed in (("train", per_class[0], 0), ("t10k", per_class[1], 1)):
        pixels, labels = pictures(count, classes, (28, 28), seed)
        half = "test" if prefix and half == "t10k" else half
        header = struct.pack(">4I", 2051, len(labels), 28, 28)
        (root / f"{prefix}{half}-images-idx3-ubyte").write_bytes(header + pixels.tobytes())
        header = struct.pack(">2I", 2049, len(labels))
        (root / f"{prefix}{half}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())
        content[half] = pixels, labels
    return content
