"""What a seed stores, frozen: base networks whose weights never change."""

from supsup_lite.networks.mlp import MLP, fc_1024, lenet_300_100
from supsup_lite.networks.network import Network, check_images, signed_kaiming_constant
from supsup_lite.networks.units import UnitMLP, Units, bn_mlp

__all__ = [
    "MLP",
    "Network",
    "UnitMLP",
    "Units",
    "bn_mlp",
    "check_images",
    "fc_1024",
    "lenet_300_100",
    "signed_kaiming_constant",
]
