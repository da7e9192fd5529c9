"""Where the review server listens, and what it needs before it may."""

import ipaddress
import logging
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path

from idc.errors import ConfigError, first_line
from idc.reader_study.answer import Mode

PASSWORD_VARIABLE = "IDC_REVIEW_PASSWORD"
SHORTEST_PASSWORD = 8
_log = logging.getLogger(__name__)


def _from_environment() -> str | None:
    # Not from the command line: other users of the machine can read it in the list of processes.
    return os.environ.get(PASSWORD_VARIABLE) or None


@dataclass(frozen=True)
class Settings:
    """How the page is served.

    Attributes:
        host: Address or name to listen on. All but this machine's loopback need a password.
        port: Port to listen on; 0 takes a free one.
        mode: ``blinded`` (the verdict comes before the model's answer is shown) or ``open``.
        password: What readers sign in with; by default that of IDC_REVIEW_PASSWORD, if set.
        title: The page's title.
        ssl_certfile: Certificate (chain) for HTTPS, PEM.
        ssl_keyfile: Its private key, PEM.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    mode: Mode = "blinded"
    password: str | None = field(default_factory=_from_environment, repr=False)
    title: str = "Review of patches"
    ssl_certfile: str | Path | None = None
    ssl_keyfile: str | Path | None = None


def resolved(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """The numeric address to listen on: what is checked and what is bound are then the same."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(
            f"review.host={host}: no such address on this machine ({first_line(error)})."
        ) from error
    family, _, _, _, address = found[0]
    return family, str(address[0])


def checked(settings: Settings, address: str) -> bool:
    """Whether the address is loopback.

    Raises:
        ConfigError: It is not, and there is no password that would do; or TLS is half set.
    """
    loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    password = settings.password
    if not loopback and not password:
        raise ConfigError(
            f"review.host={settings.host}: others could open the patches there. Set a password in "
            f"the environment variable {PASSWORD_VARIABLE}, or listen on 127.0.0.1."
        )
    if password and len(password) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"{PASSWORD_VARIABLE}: the password is too short; take {SHORTEST_PASSWORD} or more "
            f"characters."
        )
    if bool(settings.ssl_certfile) != bool(settings.ssl_keyfile):
        raise ConfigError("review: HTTPS needs both ssl_certfile and ssl_keyfile.")
    if not loopback and not settings.ssl_certfile:
        _log.warning(
            "review: the page is served without HTTPS: the password, the patches and the answers "
            "travel in the clear, and anyone on the way can read them. Set ssl_certfile and "
            "ssl_keyfile, or listen on 127.0.0.1 and reach it through an SSH tunnel."
        )
    return loopback


def listening(family: socket.AddressFamily, address: str, settings: Settings) -> socket.socket:
    """A socket that listens: bound here, so that a port in use is told in plain words."""
    try:
        return socket.create_server((address, settings.port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ConfigError(
            f"review.port={settings.port}: cannot listen there on {settings.host} ({reason}). "
            f"Is a review running already? Else take another port, such as "
            f"port={(settings.port + 1) % 65536}."
        ) from error
