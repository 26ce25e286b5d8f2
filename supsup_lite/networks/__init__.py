"""What a seed stores, frozen: base networks whose weights never change."""

from supsup_lite.networks.batch_norm import Measuring, Statistics, by_batch, by_statistics
from supsup_lite.networks.conv import conv_net, gem_resnet18, resnet50
from supsup_lite.networks.frozen import FrozenBase, freeze_as_base
from supsup_lite.networks.layers import Units
from supsup_lite.networks.mlp import MLP, fc_1024, lenet_300_100, mlp
from supsup_lite.networks.network import Network, check_images, check_network, run, signed_kaiming_constant
from supsup_lite.networks.units import UnitMLP, bn_mlp

__all__ = [
    "MLP",
    "FrozenBase",
    "Measuring",
    "Network",
    "Statistics",
    "UnitMLP",
    "Units",
    "bn_mlp",
    "by_batch",
    "by_statistics",
    "check_images",
    "check_network",
    "conv_net",
    "fc_1024",
    "freeze_as_base",
    "gem_resnet18",
    "lenet_300_100",
    "mlp",
    "resnet50",
    "run",
    "signed_kaiming_constant",
]
