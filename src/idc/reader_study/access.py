"""Who may talk to the review server: a guard before every route and the websocket.

It is plain ASGI, so that nothing is served past it. It refuses other sites' requests (a page
elsewhere that asks this machine, DNS rebinding), asks for the password where there is one, and
tells the browser to fetch nothing from other hosts and to keep nothing.
"""

import asyncio
import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from hashlib import sha256
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idc.reader_study.sign_in import local, sent, sign_in_page
from idc.reader_study.tries import Tries

LOGIN, LOGOUT = "/login", "/logout"
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
SESSION_SECONDS = 12 * 3600
SESSIONS = 1000
# NiceGUI's page starts by inline scripts and evaluates its handlers; all else is from here.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware before the whole app.

    Args:
        app: What is guarded.
        password: Asked for if given.
        loopback: Whether the server listens on loopback only; then other host names are refused.
        secure: Whether it is served over TLS.
        cookie: Name of the session's cookie; cookies know no ports, so it holds the port.
        title: What the sign-in page is called.
        tries: Spaces out tries at the password.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        password: str | None,
        loopback: bool = True,
        secure: bool = False,
        cookie: str = "idc_review",
        title: str = "Review",
        tries: Tries | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.app = app  # NiceGUI looks for the app behind its wrappers by this name
        self._digest = sha256(password.encode()).digest() if password else None
        self._loopback, self._secure, self._cookie = loopback, secure, cookie
        self._title, self._tries, self._sleep = title, tries or Tries(), sleep
        self._sessions: OrderedDict[bytes, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse or hand on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        response = await self._refusal(scope, receive)
        if response is None:
            await self.app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":  # closed before it is accepted: the browser sees 403
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await response(scope, receive, _with_headers(scope, send))

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """What to answer in the app's place; None lets the request pass."""
        connection = HTTPConnection(scope)
        if strange := self._strange(scope, connection.headers):
            return PlainTextResponse(strange, 403)
        if self._digest is None:
            return None
        path = scope["path"]
        if scope["type"] == "http" and path == LOGIN:
            return await self._login(Request(scope, receive))
        token = connection.cookies.get(self._cookie, "")
        if not self._known(token):
            if scope["type"] == "http" and scope["method"] == "GET" and path == "/":
                return RedirectResponse(f"{LOGIN}?next={quote(_here(scope), safe='')}", 303)
            return PlainTextResponse("Sign in first.", 401)
        if scope["type"] == "http" and path == LOGOUT and scope["method"] == "POST":
            self._sessions.pop(_hashed(token), None)
            response = RedirectResponse(LOGIN, 303)
            response.delete_cookie(self._cookie, path="/")
            return response
        return None

    def _strange(self, scope: Scope, headers: Headers) -> str:
        """Why a request cannot come from this server's own page, or ""."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not hosts[0] or len(origins) > 1:
            return "One Host is needed."
        if self._loopback and _host_name(hosts[0]) not in LOOPBACK_NAMES:
            return "This server answers to localhost and 127.0.0.1 only."
        if origins and _origin_host(origins[0]) != _without_port(hosts[0].lower()):
            return "Requests from other sites are refused."
        # Browsers send the origin with all that can change something.
        must = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if must and not origins:
            return "An Origin is needed."
        return ""

    async def _login(self, request: Request) -> Response:
        goal = local(request.query_params.get("next", "/"))
        if request.method in ("GET", "HEAD"):
            return sign_in_page(self._title, goal)
        if request.method != "POST":
            return PlainTextResponse("GET or POST.", 405)
        password, goal = await sent(request)
        if self._known(request.cookies.get(self._cookie, "")):
            return RedirectResponse(goal, 303)
        address = request.client.host if request.client else ""
        turn = self._tries.count(address)
        if turn is None:
            seconds = math.ceil(self._tries.wait(address) - self._tries.longest)
            words = f"Many passwords wait to be looked at. Try again in {seconds} s."
            headers = {"Retry-After": str(seconds)}
            return sign_in_page(self._title, goal, words, 429, headers)
        await self._sleep(turn)
        # Hashes have one length: the time of the comparison tells nothing of the password's.
        if not hmac.compare_digest(_hashed(password), self._digest or b""):
            words = "This is not the password."
            if (seconds := math.ceil(self._tries.wait(address))) > 1:
                words += f" The next try takes {seconds} s."
            return sign_in_page(self._title, goal, words, 401)
        self._tries.forgive(address)
        response = RedirectResponse(goal, 303)
        response.set_cookie(
            self._cookie, self._open(), max_age=SESSION_SECONDS, path="/", httponly=True,
            samesite="strict", secure=self._secure,
        )  # fmt: skip
        return response

    def _open(self) -> str:
        """A new session's token; only its hash is kept."""
        token = secrets.token_urlsafe(32)
        self._sessions[_hashed(token)] = time.monotonic() + SESSION_SECONDS
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def _known(self, token: str) -> bool:
        return self._sessions.get(_hashed(token), 0.0) > time.monotonic()


def _with_headers(scope: Scope, send: Send) -> Send:
    """Add the headers that keep the page to itself to an answer."""
    # The library's own files, which hold nothing of the review, may be kept by the browser.
    keep = scope["path"].startswith("/_nicegui/")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if not keep or message["status"] != 200:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return sending


def _here(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _origin_host(origin: str) -> str:
    """Host and port of an origin, as Host has them; "" if it is none.

    The scheme is left out: a proxy that ends TLS hands on https pages' requests over http.
    """
    scheme, _, host = origin.lower().partition("://")
    return _without_port(host) if scheme in ("http", "https") else ""


def _without_port(host: str) -> str:
    """A host without a port that goes without saying."""
    return host.removesuffix(":80").removesuffix(":443")


def _hashed(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
