"""The paper's own numbers (Wortsman et al., NeurIPS 2020, arXiv 2006.14769), to stand beside ours."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """One number of a paper.

    Attributes:
        experiment, scenario: what was done, such as "PermutedMNIST" and "GNu".
        method: whose number it is; other methods are as the paper quotes them.
        network: as in `Network.name` where the course has it, otherwise in words.
        outputs: s, or None where the paper gives none.
        tasks: k.
        accuracy: share of right answers, 0..1.
        megabytes: of all tasks together, or None.
    """

    experiment: str
    scenario: str
    method: str
    network: str
    outputs: int | None
    tasks: int
    accuracy: float
    megabytes: float | None = None


PUBLISHED = (
    Published("SplitImageNet", "GG", "one network a task", "ResNet-50", None, 100, 0.9255, 10222.81),
    Published("SplitImageNet", "GG", "SupSup", "ResNet-50", None, 100, 0.8958, 195.18),
    Published("SplitImageNet", "GG", "SupSup", "ResNet-50", None, 100, 0.8868, 100.98),
    Published("SplitImageNet", "GG", "SupSup", "ResNet-50", None, 100, 0.8637, 65.50),
    Published("SplitImageNet", "GG", "BatchE", "ResNet-50", None, 100, 0.8150, 124.99),
    Published("SplitCIFAR100", "GG", "one trunk, trained on", "ResNet-18, fewer channels", None, 20, 0.245),
    Published("PermutedMNIST", "GNu", "SupSup", "fc_1024", 500, 250, 0.9491),
    Published("PermutedMNIST", "GNu", "Online EWC", "as van de Ven and Tolias", None, 10, 0.3388),
    Published("PermutedMNIST", "GNu", "SI", "as van de Ven and Tolias", None, 10, 0.2931),
)


def published(**wanted: object) -> list[Published]:
    """Return the numbers whose fields are as given, such as published(experiment="PermutedMNIST", method="SupSup")."""
    return [entry for entry in PUBLISHED if all(getattr(entry, name) == value for name, value in wanted.items())]
