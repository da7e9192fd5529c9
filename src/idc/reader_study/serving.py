"""The review server: its settings, their checks, and serving."""

import importlib.util
import ipaddress
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from idc.errors import ConfigError, first_line
from idc.reader_study.answer import Mode
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.case import CaseBook

if TYPE_CHECKING:
    from starlette.types import ASGIApp

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
        ssl_certfile: Certificate (chain) for HTTPS, PEM.
        ssl_keyfile: Its private key, PEM.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    mode: Mode = "blinded"
    order: str = ""
    select: str = ""
    password: str | None = field(default_factory=_from_environment, repr=False)
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


def serve(
    book: CaseBook,
    answers: AnswerStore,
    settings: Settings,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until Ctrl-C; once per process, as NiceGUI has one app per process.

    Raises:
        ConfigError: NiceGUI is missing, there are no cases, the port is in use, a password is
            missing or too short, or the certificate cannot be read.
    """
    if importlib.util.find_spec("nicegui") is None:
        raise ConfigError(
            "review: the page needs NiceGUI, which is not installed: "
            "uv pip install -p .venv -e '.[review]'"
        )
    if not book.cases:
        raise ConfigError("review: there are no cases to review. Change select.")
    import uvicorn

    family, address = resolve_address(settings.host, settings.port)
    loopback = check_address(settings, address)
    with open_listener(family, address, settings) as listener:
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            _app(book, answers, settings, loopback, port),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,  # otherwise any client could forge its address
            ws_max_size=1_000_000,
            timeout_graceful_shutdown=2,
            ssl_certfile=settings.ssl_certfile,
            ssl_keyfile=settings.ssl_keyfile,
        )
        try:
            config.load()
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(
                f"review: the certificate {settings.ssl_certfile} or its key "
                f"{settings.ssl_keyfile} cannot be used ({first_line(error)})."
            ) from error
        if on_ready is not None:  # requests wait until the server accepts them
            on_ready(_address(settings, port))
        try:
            uvicorn.Server(config).run([listener])
        except KeyboardInterrupt:  # uvicorn has shut down cleanly and re-raises it
            _log.info("review: ended")
        except SystemExit as error:
            raise ConfigError("review: the server could not start; see the log.") from error


def _app(
    book: CaseBook, answers: AnswerStore, settings: Settings, loopback: bool, port: int
) -> "ASGIApp":
    from fastapi import FastAPI
    from nicegui import ui

    from idc.reader_study.access import TITLE, guarded
    from idc.reader_study.review_page import add_page

    add_page(book, answers, settings)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        app,
        title=TITLE,
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    tls, cookie = bool(settings.ssl_certfile), f"idc_review_{port}"
    return guarded(app, settings.password, loopback, tls, cookie)


def _address(settings: Settings, port: int) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("", "0.0.0.0", "::"):
        host = socket.gethostname()
    return f"{'https' if settings.ssl_certfile else 'http'}://{host}:{port}/"
