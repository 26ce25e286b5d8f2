"""One line about where a lesson runs: versions and device."""

import torch

from supsup_lite.devices import device


def about() -> str:
    """Return one line for the top of a lesson, such as "supsup-lite 0.1.0 · torch 2.13.0 · cpu, 2 threads"."""
    from supsup_lite import __version__  # late: this module is imported by the package itself

    where = device()
    if where.type == "cuda":
        place = f"{where}, {torch.cuda.get_device_name(where)}"
    elif where.type == "cpu":
        threads = torch.get_num_threads()
        place = f"cpu, {threads} thread{'s' if threads > 1 else ''}"
    else:
        place = str(where)
    return f"supsup-lite {__version__} · torch {torch.__version__.partition('+')[0]} · {place}"
