"""What belongs together: a network, its masks, and the tasks that these were learned for. Compared here alone."""

from supsup_lite.data.tasks import TaskIdentity, TaskSuite, check_suite
from supsup_lite.masks.origin import difference, network_facts
from supsup_lite.masks.store import MaskStore
from supsup_lite.networks.network import Network, check_network

NAMED = 3  # of many tasks, how many a message names


def check_fits(net: Network, masks: MaskStore, tasks: TaskSuite | None = None) -> tuple[int, ...]:
    """Return for each task the position of its mask in the store, once all that is given belongs together.

    Masks that know their task are matched with it, in whatever order they come. Where a mask does not know its task
    (it was appended by hand, or read from an old file), mask i belongs to task i.

    Args:
        net: the network that the masks have to belong to.
        masks: its masks.
        tasks: k tasks, each of which has to have a mask; None asks only about the network, and returns nothing.

    Raises:
        TypeError: one of them is something else.
        ValueError: the masks belong to another network, or a task has no mask among them.
    """
    check_network(net)
    if not isinstance(masks, MaskStore):
        raise TypeError(f"masks must be a MaskStore, as learn_masks returns it, got {type(masks).__name__}.")
    if masks.fingerprint != net.fingerprint():
        if masks.fingerprint != masks.net.fingerprint():
            raise ValueError(
                f"the weights of {masks.net!r} were changed after a store of masks was made for it, and those masks "
                "fit no other weights: build the network anew, as it was, and give that."
            )
        raise ValueError(
            f"masks belong to {masks.net!r}, not to {net!r} ({difference(network_facts(masks.net), net)}): "
            "give the network they were learned on."
        )
    if tasks is None:
        return ()
    check_suite(tasks)
    return _positions(masks, tasks)


def _positions(masks: MaskStore, tasks: TaskSuite) -> tuple[int, ...]:
    belonging, wanted = masks.identities, tasks.identities
    known: dict[TaskIdentity | None, int] = {}
    for position, identity in enumerate(belonging):
        known.setdefault(identity, position)
    positions = []
    for i, identity in enumerate(wanted):
        if identity in known:
            positions.append(known[identity])
        elif i < len(belonging) and belonging[i] is None:
            positions.append(i)
        elif len(masks) < len(tasks) and known.keys() <= {None, *wanted}:
            raise ValueError(
                f"there are {len(tasks)} tasks but only {len(masks)} masks, none of them of {identity}: learn the "
                "others, or slice the suite."
            )
        else:
            raise ValueError(
                f"no mask of this store belongs to {identity}: {_belongings(masks)}. Give the masks that were learned "
                "for these tasks, or learn them."
            )
    return tuple(positions)


def _belongings(masks: MaskStore) -> str:
    """Return what tasks the masks belong to: the first few of them."""
    named = [f"mask {i} to {identity or 'a task that it does not know'}" for i, identity in enumerate(masks.identities)]
    few = "; ".join(named[:NAMED]) + (f"; and so on, {len(named)} masks in all" if len(named) > NAMED else "")
    return f"they belong elsewhere, {few}"
