"""What a learner's code may not do while it is tried: reach the network, start programs, write or delete files.

It keeps a slip or a joke from doing harm. It is no prison: who means harm finds a way around any such net inside of one
process, can read what you can read, and can forge a verdict. Try strangers' files in a container.
"""

import os
import sys
from pathlib import Path
from typing import Any

__all__ = [
    "restrict",
]

FILE_BYTES, DATA_BYTES = 10_000_000, 8 * 2**30
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED = {  # the beginning of an audit event's name (docs.python.org, "Audit events table") -> what it would do
    "socket.": "use the network",
    "subprocess.": "start a program",
    "os.system": "start a program",
    "os.exec": "start a program",
    "os.spawn": "start a program",
    "os.posix_spawn": "start a program",
    "os.startfile": "start a program",
    "os.fork": "start a process",
    "pty.spawn": "start a program",
    "os.kill": "stop a process",
    "os.remove": "delete a file",
    "os.rmdir": "delete a folder",
    "os.rename": "move a file",
    "os.truncate": "change a file",
    "os.link": "make a file",
    "os.symlink": "make a file",
    "os.mkdir": "make a folder",
    "os.chmod": "change a file",
    "os.chown": "change a file",
    "os.chdir": "leave its folder",
    "shutil.": "change files",
    "ctypes.dlopen": "load a library",
}


def restrict() -> None:
    """Take these powers from this process, for good. What is needed has to be imported before."""
    _limit_resources()
    sys.addaudithook(_refuse)


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows has none of them
        return
    for name, most in (("RLIMIT_FSIZE", FILE_BYTES), ("RLIMIT_DATA", DATA_BYTES), ("RLIMIT_CORE", 0)):
        kind = getattr(resource, name)
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open":
        path, _, flags = arguments
        if (flags or 0) & WRITES and not isinstance(path, int) and os.fspath(path) != os.devnull:
            name = Path(os.fsdecode(path)).name
            raise PermissionError(f"an exercise may not write a file, and this one wanted to: {name}")
        return
    for beginning, what in REFUSED.items():
        if event.startswith(beginning):
            raise PermissionError(f"an exercise may not {what}, and this one wanted to ({event})")
