"""Access control of the review server: middleware in front of every route and the websocket.

As plain ASGI it covers everything that is served. It refuses cross-site requests and DNS rebinding,
asks for the password if there is one, and sets headers that forbid the browser to load anything
from other hosts or to cache the review.
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

from idc.reader_study.rate_limit import RateLimit
from idc.reader_study.sign_in import local_target, parse_sign_in, sign_in_page

LOGIN, LOGOUT = "/login", "/logout"
LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}
SESSION_SECONDS = 12 * 3600
SESSIONS = 1000
# NiceGUI needs inline scripts and evaluates its handlers; everything else comes from this server.
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
    """ASGI middleware around the whole app.

    Args:
        app: The app.
        password: The password, if one is required.
        loopback: Whether the server listens on loopback only; then other host names are refused.
        secure: Whether it is served over TLS.
        cookie: Name of the session cookie; it contains the port, as cookies ignore ports.
        title: Title of the sign-in page.
        limit: Rate limit for sign-ins.
        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        password: str | None,
        loopback: bool = True,
        secure: bool = False,
        cookie: str = "idc_review",
        title: str = "Review",
        limit: RateLimit | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.app = app  # NiceGUI looks for the app behind its wrappers by this name
        self._digest = sha256(password.encode()).digest() if password else None
        self._loopback, self._secure, self._cookie = loopback, secure, cookie
        self._title, self._limit, self._sleep = title, limit or RateLimit(), sleep
        self._sessions: OrderedDict[bytes, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, refuse or pass the request on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        response = await self._refusal(scope, receive)
        if response is None:
            await self.app(scope, receive, _with_headers(scope, send))
        elif scope["type"] == "websocket":  # closing before accepting gives status 403
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await response(scope, receive, _with_headers(scope, send))

    async def _refusal(self, scope: Scope, receive: Receive) -> Response | None:
        """The response to a refused request; None if the request may pass."""
        connection = HTTPConnection(scope)
        if reason := self._cross_site(scope, connection.headers):
            return PlainTextResponse(reason, 403)
        if self._digest is None:
            return None
        path = scope["path"]
        if scope["type"] == "http" and path == LOGIN:
            return await self._login(Request(scope, receive))
        token = connection.cookies.get(self._cookie, "")
        if not self._has_session(token):
            if scope["type"] == "http" and scope["method"] == "GET" and path == "/":
                return RedirectResponse(f"{LOGIN}?next={quote(_here(scope), safe='')}", 303)
            return PlainTextResponse("Sign in first.", 401)
        if scope["type"] == "http" and path == LOGOUT and scope["method"] == "POST":
            self._sessions.pop(_hashed(token), None)
            response = RedirectResponse(LOGIN, 303)
            response.delete_cookie(self._cookie, path="/")
            return response
        return None

    def _cross_site(self, scope: Scope, headers: Headers) -> str:
        """Why a request cannot come from this server's own page; "" if it can."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not hosts[0] or len(origins) > 1:
            return "Exactly one Host header is required."
        if self._loopback and _host_name(hosts[0]) not in LOOPBACK_NAMES:
            return "This server responds to localhost and 127.0.0.1 only."
        if origins and _origin_host(origins[0]) != _without_port(hosts[0].lower()):
            return "Requests from other sites are refused."
        # Browsers send the origin with every request that may change something.
        writes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if writes and not origins:
            return "An Origin header is required."
        return ""

    async def _login(self, request: Request) -> Response:
        target = local_target(request.query_params.get("next", "/"))
        if request.method in ("GET", "HEAD"):
            return sign_in_page(self._title, target)
        if request.method != "POST":
            return PlainTextResponse("Use GET or POST.", 405)
        password, target = await parse_sign_in(request)
        if self._has_session(request.cookies.get(self._cookie, "")):
            return RedirectResponse(target, 303)
        address = request.client.host if request.client else ""
        delay = self._limit.reserve(address)
        if delay is None:
            seconds = math.ceil(self._limit.wait(address) - self._limit.longest)
            words = f"Too many sign-in attempts. Try again in {seconds} s."
            headers = {"Retry-After": str(seconds)}
            return sign_in_page(self._title, target, words, 429, headers)
        await self._sleep(delay)
        # Hashes have the same length, so that timing reveals nothing about the password's.
        if not hmac.compare_digest(_hashed(password), self._digest or b""):
            words = "Wrong password."
            if (seconds := math.ceil(self._limit.wait(address))) > 1:
                words += f" The next attempt is delayed by {seconds} s."
            return sign_in_page(self._title, target, words, 401)
        self._limit.reset(address)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            self._cookie, self._open(), max_age=SESSION_SECONDS, path="/", httponly=True,
            samesite="strict", secure=self._secure,
        )  # fmt: skip
        return response

    def _open(self) -> str:
        """Open a session and return its token, of which only the hash is stored."""
        token = secrets.token_urlsafe(32)
        self._sessions[_hashed(token)] = time.monotonic() + SESSION_SECONDS
        while len(self._sessions) > SESSIONS:
            self._sessions.popitem(last=False)
        return token

    def _has_session(self, token: str) -> bool:
        return self._sessions.get(_hashed(token), 0.0) > time.monotonic()


def _with_headers(scope: Scope, send: Send) -> Send:
    """Add security headers to a response."""
    # NiceGUI's own files, which contain nothing of the review, may be cached.
    cacheable = scope["path"].startswith("/_nicegui/")

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            if not cacheable or message["status"] != 200:
                headers["Cache-Control"] = "no-store"
        await send(message)

    return send_with_headers


def _here(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return f"{scope['path']}?{query}" if query else str(scope["path"])


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _origin_host(origin: str) -> str:
    """Host and port of an origin, as in the Host header; "" if it is not an origin.

    The scheme is ignored, as a proxy that terminates TLS forwards requests over http.
    """
    scheme, _, host = origin.lower().partition("://")
    return _without_port(host) if scheme in ("http", "https") else ""


def _without_port(host: str) -> str:
    """A host without the default port."""
    return host.removesuffix(":80").removesuffix(":443")


def _hashed(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
