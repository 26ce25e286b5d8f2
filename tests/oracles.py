"""The slow obvious version of what the package does: loops and float64. What a test compares with."""

import math

import numpy as np
import torch
from torch import Tensor


def permuted(image: np.ndarray, permutation: list[int]) -> list[float]:
    """Pixel i of the task's image is pixel permutation[i] of the original, read row by row."""
    flat = image.reshape(-1)
    return [float(flat[source]) for source in permutation]


def rotated(image: np.ndarray, degrees: float) -> np.ndarray:
    """Turn an image counter-clockwise about its centre, bilinearly, black outside: one pixel at a time."""
    height, width = image.shape
    turn = math.radians(degrees)
    result = np.zeros((height, width))

    def pixel(row: int, column: int) -> float:
        return float(image[row, column]) if 0 <= row < height and 0 <= column < width else 0.0

    for row in range(height):
        for column in range(width):
            right, up = column - (width - 1) / 2, (height - 1) / 2 - row
            # What lands here was, before the turn, at the same distance but `turn` further clockwise.
            from_right = math.cos(turn) * right + math.sin(turn) * up
            from_up = -math.sin(turn) * right + math.cos(turn) * up
            source_row, source_column = (height - 1) / 2 - from_up, from_right + (width - 1) / 2
            top, left = math.floor(source_row), math.floor(source_column)
            down, across = source_row - top, source_column - left
            result[row, column] = (
                (1 - down) * (1 - across) * pixel(top, left)
                + (1 - down) * across * pixel(top, left + 1)
                + down * (1 - across) * pixel(top + 1, left)
                + down * across * pixel(top + 1, left + 1)
            )
    return result


def logits(weights: list[np.ndarray], x: np.ndarray) -> np.ndarray:
    """One image through fully connected layers with ReLU between them: plain sums in float64."""
    for depth, weight in enumerate(weights):
        outputs = [sum(float(w) * float(v) for w, v in zip(row, x, strict=True)) for row in weight]
        last = depth == len(weights) - 1
        x = np.array(outputs if last else [max(0.0, output) for output in outputs])
    return x


def top_k(scores: list[float], keep: float) -> list[bool]:
    """Keep the round(keep * n) largest |score|; of equal ones the first."""
    by_size = sorted(range(len(scores)), key=lambda i: (-abs(scores[i]), i))
    kept = set(by_size[: round(keep * len(scores))])
    return [i in kept for i in range(len(scores))]


def packed(bits: list[bool]) -> list[int]:
    """Eight bits a byte, the first one lowest, zeros at the end."""
    result = [0] * math.ceil(len(bits) / 8)
    for i, bit in enumerate(bits):
        result[i // 8] += int(bit) << (i % 8)
    return result


def scores_gradient(weights: list[np.ndarray], scores: list[np.ndarray], keep: float | None, x, y) -> list[np.ndarray]:
    """The straight-through gradient of the mean cross-entropy, by hand in float64: dL/dW_eff * W (* sign of score)."""
    masks = [mask_of(values, keep) for values in scores]
    effective = [weight * mask for weight, mask in zip(weights, masks, strict=True)]
    activations = [x]
    for depth, weight in enumerate(effective):
        h = activations[-1] @ weight.T
        activations.append(h if depth == len(effective) - 1 else np.maximum(h, 0))
    top = activations[-1]
    exponentials = np.exp(top - top.max(1, keepdims=True))
    delta = exponentials / exponentials.sum(1, keepdims=True)
    delta[np.arange(len(y)), y] -= 1
    delta /= len(y)
    gradients = []
    for depth in reversed(range(len(effective))):
        to_weight = delta.T @ activations[depth]
        sign = 1 if keep is None else np.sign(scores[depth])
        gradients.insert(0, to_weight * weights[depth] * sign)
        delta = (delta @ effective[depth]) * (activations[depth] > 0)
    return gradients


def mask_of(scores: np.ndarray, keep: float | None) -> np.ndarray:
    """The mask of one layer: score >= 0, or the largest |score|."""
    if keep is None:
        return scores >= 0
    return np.array(top_k(scores.reshape(-1).tolist(), keep)).reshape(scores.shape)


def one_cycle(step: int, steps: int, highest: float) -> float:
    """The rate of a step: a cosine from 1/25 up to the highest over 30 % of the steps, then one down to almost 0."""
    lowest, end, peak = highest / 25, highest / 25e4, 0.3 * steps - 1
    if step <= peak:
        return highest + (lowest - highest) * (1 + math.cos(math.pi * step / peak)) / 2
    return end + (highest - end) * (1 + math.cos(math.pi * (step - peak) / (steps - 1 - peak))) / 2


def accuracy(net, mask: dict[str, Tensor], task, images: int = 2000) -> float:
    """The share of a task's first test images that the masked network names correctly."""
    x, y = task.test.batch(range(images))
    with torch.no_grad():
        h = x
        for layer, weight in net.weights().items():
            h = h @ (weight * mask[layer]).T
            h = h if layer == list(net.weights())[-1] else h.relu()
    return float((h.argmax(1) == y).float().mean())


def crop_and_flip(image: np.ndarray, down: int, right: int, mirrored: bool) -> np.ndarray:
    """The crop of an image [C, H, W] that lies so many pixels further down and right, black outside; then mirrored."""
    channels, height, width = image.shape
    result = np.zeros_like(image)
    for channel in range(channels):
        for row in range(height):
            for column in range(width):
                y, x = row + down, column + right
                if 0 <= y < height and 0 <= x < width:
                    result[channel, row, width - 1 - column if mirrored else column] = image[channel, y, x]
    return result
