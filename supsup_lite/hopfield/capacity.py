"""How many patterns a Hopfield store can hold, as theory has it."""

import math

from supsup_lite.checks import check_flag, check_whole


def capacity_in_theory(dim: int, rule: str, errors: bool = False) -> float:
    """Return how many random patterns of d spins a store can hold, as d grows.

    Hebb with a few per cent of errors: 0.138 d (Amit, Gutfreund and Sompolinsky 1985); with every pattern exact:
    d / (4 ln d), where d / (2 ln d) leaves most of them exact, but not all (McEliece et al. 1987). Storkey without
    errors: d / sqrt(2 ln d) (Storkey 1997).

    Raises:
        TypeError, ValueError: dim is no whole number of 2 or more, or no such figure is known to us: of a rule, or of
            errors with Storkey's.
    """
    dim, errors = check_whole("dim", dim, least=2), check_flag("errors", errors)
    if not isinstance(rule, str):
        raise TypeError(f"rule must be text, 'hebb' or 'storkey', got {rule!r}.")
    if rule == "storkey" and not errors:
        return dim / math.sqrt(2 * math.log(dim))
    if rule == "hebb":
        return 0.138 * dim if errors else dim / (4 * math.log(dim))
    raise ValueError(f"no theory here for rule {rule!r} with errors={errors}: ask for 'hebb', or 'storkey' without.")
