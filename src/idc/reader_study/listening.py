"""Address and settings of the review server, and their checks."""

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
    # Not on the command line, which other users of the machine can read in the process list.
    return os.environ.get(PASSWORD_VARIABLE) or None


@dataclass(frozen=True)
class Settings:
    """Settings of the review server.

    Attributes:
        host: Address or name to listen on. All except the loopback require a password.
        port: Port to listen on; 0 for a free one.
        mode: ``blinded`` (the verdict comes before the model's answer is shown) or ``open``.
        order: Order of the cases; see `idc.reader_study.answer.Answer`.
        select: The cases to choose from; see there.
        password: The readers' password; by default IDC_REVIEW_PASSWORD, if set.
        title: The page's title.
        ssl_certfile: Certificate (chain) for HTTPS, PEM.
        ssl_keyfile: Its private key, PEM.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    mode: Mode = "blinded"
    order: str = ""
    select: str = ""
    password: str | None = field(default_factory=_from_environment, repr=False)
    title: str = "Review of patches"
    ssl_certfile: str | Path | None = None
    ssl_keyfile: str | Path | None = None


def resolve_address(host: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Resolve the address to listen on, so that the checked address is the one bound."""
    try:
        addresses = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(
            f"review.host={host}: no such address on this machine ({first_line(error)})."
        ) from error
    family, _, _, _, address = addresses[0]
    return family, str(address[0])


def check_address(settings: Settings, address: str) -> bool:
    """Check the settings for an address, and return whether it is the loopback.

    Raises:
        ConfigError: A password is required and missing, or too short; or only one of the
            certificate and its key is given.
    """
    loopback = ipaddress.ip_address(address.partition("%")[0]).is_loopback
    password = settings.password
    if not loopback and not password:
        raise ConfigError(
            f"review.host={settings.host}: anyone on the network could open the patches. Set a "
            f"password in the environment variable {PASSWORD_VARIABLE}, or listen on 127.0.0.1."
        )
    if password and len(password) < SHORTEST_PASSWORD:
        raise ConfigError(
            f"{PASSWORD_VARIABLE}: the password is too short; use {SHORTEST_PASSWORD} or more "
            f"characters."
        )
    if bool(settings.ssl_certfile) != bool(settings.ssl_keyfile):
        raise ConfigError("review: HTTPS needs both ssl_certfile and ssl_keyfile.")
    if not loopback and not settings.ssl_certfile:
        _log.warning(
            "review: the page is served without HTTPS: the password, the patches and the answers "
            "are sent unencrypted. Set ssl_certfile and ssl_keyfile, or listen on 127.0.0.1 and "
            "use an SSH tunnel."
        )
    return loopback


def open_listener(family: socket.AddressFamily, address: str, settings: Settings) -> socket.socket:
    """Open the listening socket.

    Raises:
        ConfigError: The port is in use or not allowed.
    """
    try:
        return socket.create_server((address, settings.port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ConfigError(
            f"review.port={settings.port}: cannot listen on {settings.host} ({reason}). If no "
            f"review is running already, use another port, such as "
            f"port={(settings.port + 1) % 65536}."
        ) from error
