"""Masks over units as spins, and the entropy of the outputs between them (SupSup, "HopSupSup")."""

import torch
from torch import Tensor

from supsup_lite.ambient import isolated
from supsup_lite.hopfield.store import HopfieldStore, to_bits, to_spins
from supsup_lite.inference.objectives import objective_of
from supsup_lite.masks.apply import Mask
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network, check_images, check_network, is_finite, run


@isolated
def spins_of(masks: MaskStore) -> Tensor:
    """Return all masks as spins, the layers one after the other: float [k, d]."""
    if not isinstance(masks, MaskStore):
        raise TypeError(f"masks must be a MaskStore, as learn_masks returns it, got {type(masks).__name__}.")
    bits = masks.chunk(0, len(masks))
    return torch.cat([to_spins(layer.flatten(1)) for layer in bits.values()], dim=1)


@isolated
def mask_of(net: Network, z: Tensor) -> Mask:
    """Return a state [d] of spins, or any real numbers, as a mask of the network."""
    _check_state(net, z)
    return _split(net, to_bits(z))


@isolated
def hopfield_store(masks: MaskStore, rule: str = "storkey") -> HopfieldStore:
    """Return a Hopfield store that holds all masks, stored in their order, and knows the network they belong to."""
    spins = spins_of(masks)
    store = HopfieldStore(masks.net.num_weights, rule, masks.net.device)
    for z in spins:
        store.store(z)
    store.network = masks.fingerprint
    return store


@isolated
def entropy_at(net: Network, z: Tensor, x: Tensor) -> Tensor:
    """Return H of the outputs where each unit is multiplied by (z + 1) / 2, mean over images in nats: a scalar.

    For spins this is the entropy under their mask. It is differentiable in z.

    Args:
        net: a network whose masks have d bits.
        z: a state, float [d] in -1..1.
        x: B images, float [B, ...].

    Raises:
        TypeError, ValueError: the state or the images do not fit the network.
    """
    x = check_images(net, x)
    _check_state(net, z)
    shares = _split(net, (z.to(x.dtype) + 1) / 2)
    weights = {name: weight.to(x.dtype) * shares[name] for name, weight in net.weights().items()}
    return objective_of(run(net, weights, x), "entropy").mean()


@isolated
def entropy_gradient(net: Network, z: Tensor, x: Tensor) -> tuple[float, Tensor]:
    """Return H at a state and dH/dz, [d], as `entropy_at` has it."""
    _check_state(net, z)
    with torch.enable_grad():
        state = z.detach().clone().requires_grad_(True)
        entropy = entropy_at(net, state, x)
        return entropy.item(), torch.autograd.grad(entropy, state)[0]


def _split(net: Network, values: Tensor) -> dict[str, Tensor]:
    """Return d numbers as one tensor for each masked weight, of its shape."""
    weights = net.weights()
    parts = values.split([weight.numel() for weight in weights.values()])
    return {name: part.view(weight.shape) for (name, weight), part in zip(weights.items(), parts, strict=True)}


def _check_state(net: Network, z: Tensor) -> None:
    check_network(net)
    if not isinstance(z, Tensor) or not z.is_floating_point():
        kind = z.dtype if isinstance(z, Tensor) else type(z).__name__
        raise TypeError(f"a state must be a float tensor, one number a unit, got {kind}.")
    if z.shape != (net.num_weights,):
        raise ValueError(f"a state of {net!r} is [{net.num_weights}], got {list(z.shape)}.")
    if z.device != net.device:
        raise ValueError(f"the state is on {z.device}, the network on {net.device}: move one of them.")
    if not is_finite(z.detach()):
        raise ValueError("a state must have finite numbers, got NaN or infinity among them.")


def check_store(net: Network, store: HopfieldStore) -> None:
    """Raise unless a Hopfield store can hold masks of the network, and holds those of no other that is known."""
    if not isinstance(store, HopfieldStore):
        raise TypeError(f"store must be a HopfieldStore, got {type(store).__name__}: see hopfield_store(masks).")
    if store.dim != net.num_weights:
        raise ValueError(f"the store holds patterns of {store.dim}, but masks of {net!r} have {net.num_weights} bits.")
    if store.network not in (None, net.fingerprint()):
        raise ValueError(f"the store holds masks of another network than {net!r}: give the network they belong to.")
