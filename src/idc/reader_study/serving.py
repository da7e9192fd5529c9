"""The review server."""

import importlib.util
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from idc.errors import ConfigError, first_line
from idc.reader_study.answer import MODES
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.case import CaseBook
from idc.reader_study.listening import (
    PASSWORD_VARIABLE,
    Settings,
    check_address,
    open_listener,
    resolve_address,
)

__all__ = ["PASSWORD_VARIABLE", "Settings", "serve"]

if TYPE_CHECKING:
    import uvicorn

_log = logging.getLogger(__name__)


def serve(
    book: CaseBook,
    answers: AnswerStore,
    settings: Settings,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until Ctrl-C; once per process, as NiceGUI has one app per process.

    Args:
        book: The cases.
        answers: The answers of all readers.
        settings: Settings of the server.
        on_ready: Called with the page's address once it is being served.

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
    if settings.mode not in MODES:
        raise ConfigError(f"review.mode={settings.mode}: give one of {', '.join(MODES)}.")
    family, address = resolve_address(settings.host, settings.port)
    loopback = check_address(settings, address)
    with open_listener(family, address, settings) as listener:
        port = listener.getsockname()[1]
        server = _server(book, answers, settings, loopback, port, on_ready)
        try:
            server.run([listener])
        except KeyboardInterrupt:  # uvicorn has shut down cleanly and re-raises it
            _log.info("review: ended")
        except SystemExit as error:
            raise ConfigError("review: the server could not start; see the log.") from error


def _server(
    book: CaseBook,
    answers: AnswerStore,
    settings: Settings,
    loopback: bool,
    port: int,
    on_ready: Callable[[str], None] | None,
) -> "uvicorn.Server":
    import uvicorn
    from fastapi import FastAPI
    from nicegui import ui

    from idc.reader_study.access import guarded
    from idc.reader_study.review_page import add_page

    add_page(book, answers, settings)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        app,
        title=settings.title,
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        reconnect_timeout=10.0,
    )
    tls = bool(settings.ssl_certfile)
    guard = guarded(
        app, settings.password, loopback, tls, cookie=f"idc_review_{port}", title=settings.title
    )
    config = uvicorn.Config(
        guard,
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
            f"review: the certificate {settings.ssl_certfile} or its key {settings.ssl_keyfile} "
            f"cannot be used ({first_line(error)})."
        ) from error
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    if settings.host in ("", "0.0.0.0", "::"):
        host = socket.gethostname()
    address = f"{'https' if tls else 'http'}://{host}:{port}/"

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if on_ready is not None and not self.should_exit:
                on_ready(address)

    return Server(config)
