"""What learning a mask costs, beside the bare matrix products and beside the usual way of feeding it."""

import time
from collections.abc import Callable
from statistics import median

import torch
import torch.nn.functional as F
from torch import nn

import supsup_lite as sl
from supsup_lite.data.datasets import _unpack, torchvision_datasets
from supsup_lite.learning.learn import learn_scores

STEPS, ROUNDS, TOGETHER = 100, 5, 4


def run() -> list[dict]:
    """Return ms a step and task for each way, medians of interleaved rounds, and the ratios to ours."""
    tasks, net = sl.permuted_mnist(TOGETHER, seed=0), sl.lenet_300_100(outputs=100, seed=0)
    recipe = sl.Recipe(STEPS, 128, "rmsprop", 1e-4)
    ways = {
        "ours (paper's recipe)": (lambda: learn_scores(net, tasks, None, 0, recipe), STEPS * TOGETHER),
        "bare matrix products": (bare_products(net, TOGETHER), STEPS * TOGETHER),
        "DataLoader, per-image transforms": (official_way(net, steps=20), 20),
    }
    for work, _ in ways.values():
        work()
    seconds = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (work, steps) in ways.items():
            seconds[name].append(_timed(work) / steps)
    ours = median(seconds["ours (paper's recipe)"])
    return [
        {"way": name, "ms a step": 1e3 * median(values), "times ours": median(values) / ours}
        for name, values in seconds.items()
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began


def bare_products(net, k: int, batch: int = 128) -> Callable[[], None]:
    """Return a function that does the matrix products of STEPS steps of k tasks, and nothing else.

    A layer takes one forward, one for the gradient of its weights, and (but for the first) one for its input.
    """
    draw = torch.Generator().manual_seed(0)
    layers = []
    for weight in net.weights().values():
        out, into = weight.shape
        sizes = ((k, out, into), (k, batch, into), (k, batch, out))
        layers.append([torch.randn(size, generator=draw).to(net.device) for size in sizes])

    def work() -> None:
        for _ in range(STEPS):
            for position, (w, h, delta) in enumerate(layers):
                torch.bmm(h, w.mT)
                torch.bmm(delta.mT, h)
                if position:
                    torch.bmm(delta, w)

    return work


class _MaskedLinear(nn.Module):
    """A layer as one usually writes it: a module that owns its weights and scores."""

    def __init__(self, weight: torch.Tensor):
        super().__init__()
        self.register_buffer("weight", weight.clone())
        self.scores = nn.Parameter(nn.init.kaiming_uniform_(torch.empty_like(weight), a=5**0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mask = sl.straight_through(self.scores, self.scores >= 0)
        return F.linear(x, self.weight * mask)


def official_way(net, steps: int) -> Callable[[], None]:
    """Return a function that trains one task from a torchvision DataLoader with transforms on each image."""
    datasets = torchvision_datasets()
    from torchvision import transforms

    shuffle = torch.randperm(784, generator=torch.Generator().manual_seed(0))
    each_image = transforms.Compose(
        [
            transforms.ToTensor(),
            transforms.Normalize((0.1307,), (0.3081,)),
            transforms.Lambda(lambda image: image.view(-1)[shuffle].view(1, 28, 28)),
        ]
    )
    images = datasets.MNIST(_unpack("mnist"), train=True, transform=each_image)
    loader = torch.utils.data.DataLoader(images, batch_size=128, shuffle=True)
    w1, w2, w3 = net.weights().values()
    model = nn.Sequential(
        nn.Flatten(), _MaskedLinear(w1), nn.ReLU(), _MaskedLinear(w2), nn.ReLU(), _MaskedLinear(w3)
    ).to(net.device)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4)

    def work() -> None:
        for _, (x, y) in zip(range(steps), loader, strict=False):
            optimizer.zero_grad()
            F.cross_entropy(model(x.to(net.device)), y.to(net.device)).backward()
            optimizer.step()

    return work
