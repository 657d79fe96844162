"""Connections that are looked at first: where they lead, until when, and whether anything was said.

The address that was looked up is checked and connected to, with no second look-up between (DNS
rebinding); the TLS name stays the host's. Whatever goes on under requests and urllib3, one
`Exchange` per request says when it ends and learns of the first byte written.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class AddressRefused(OSError):
    """The host's name leads to an address that is not public."""


@dataclass(slots=True)
class Exchange:
    """One request on its way. `until` is a monotonic second; `written` turns true with the first
    byte that goes out: from then on the host may have acted."""

    until: float
    allow_private: bool
    written: bool = False

    def left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this call is over")
        return left


#: The exchange of the running thread, set by the adapter around each request.
current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def is_public(address: str) -> bool:
    """Whether an address, and any address hidden inside it, is on the public internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64 or int(ip) < 1 << 32:
            hidden.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if not all(is_public(str(inner)) for inner in hidden if inner is not None):
            return False
        if ip.ipv4_mapped is not None or ip in _NAT64:
            return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _connect(host: str, port: int, timeout: float | None) -> socket.socket:
    """Connect to an address that was looked at: no second look-up lies between (rebinding)."""
    exchange = _current()
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not exchange.allow_private:
        for *_, address in found:
            if not is_public(str(address[0])):
                raise AddressRefused("its name leads to an address that is not public")
    problem: OSError = OSError("its name leads to no address")
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(timeout or exchange.left(), exchange.left()))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def _current() -> Exchange:
    exchange = current.get()
    if exchange is None:
        raise OSError("a guarded connection was used outside its session")
    return exchange


class _TimedSocket:
    """A socket whose every read and write ends at the exchange's deadline, a slow drip's too."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def makefile(self, mode: str, *_: object, **__: object) -> io.BufferedReader:
        raw = socket.SocketIO(cast(socket.socket, self), "r")
        # What socket.makefile does: the socket stays open until its readers are closed too.
        self._sock._io_refs += 1  # type: ignore[attr-defined]
        return io.BufferedReader(raw)

    def recv_into(self, buffer: Any, *arguments: Any) -> int:
        left = _current().left()
        timeout = self._sock.gettimeout()
        if timeout is None or left < timeout:
            self._sock.settimeout(left)
        return self._sock.recv_into(buffer, *arguments)

    def sendall(self, data: Any, *arguments: Any) -> None:
        exchange = _current()
        # Not the shorter of both: a reused connection still has what its last exchange left.
        self._sock.settimeout(exchange.left())
        exchange.written = True
        self._sock.sendall(data, *arguments)


class _Plain(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _opened(self)

    def connect(self) -> None:
        super().connect()
        self.sock = cast(socket.socket, _TimedSocket(cast(socket.socket, self.sock)))


class _Tls(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _opened(self)

    def connect(self) -> None:
        super().connect()
        self.sock = cast(socket.socket, _TimedSocket(cast(socket.socket, self.sock)))


def _opened(connection: HTTPConnection) -> socket.socket:
    try:
        return _connect(connection.host, connection.port, connection.timeout)
    except (OSError, UnicodeError) as error:
        raise NewConnectionError(connection, str(error)) from error


class PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls
