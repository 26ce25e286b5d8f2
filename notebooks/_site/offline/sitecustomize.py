"""First on a kernel's PYTHONPATH, this takes the network away from it. ZeroMQ speaks to Jupyter below this level."""

import socket


def _refuse(*_args, **_kwargs):
    raise RuntimeError("a lesson tried to use the network")


def _without_internet(name):
    real = getattr(socket.socket, name)

    def method(self, *args):
        return _refuse() if self.family in (socket.AF_INET, socket.AF_INET6) else real(self, *args)

    return method


for _name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, _name, _without_internet(_name))
socket.getaddrinfo = _refuse
