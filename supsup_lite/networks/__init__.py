"""What a seed stores, frozen: base networks whose weights never change."""

from supsup_lite.networks.frozen import FrozenBase, freeze_as_base
from supsup_lite.networks.layers import Units
from supsup_lite.networks.mlp import MLP, fc_1024, lenet_300_100, mlp
from supsup_lite.networks.network import Network, check_images, check_network, run, signed_kaiming_constant
from supsup_lite.networks.units import UnitMLP, bn_mlp

__all__ = [
    "MLP",
    "FrozenBase",
    "Network",
    "UnitMLP",
    "Units",
    "bn_mlp",
    "check_images",
    "check_network",
    "fc_1024",
    "freeze_as_base",
    "lenet_300_100",
    "mlp",
    "run",
    "signed_kaiming_constant",
]
