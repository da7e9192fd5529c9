"""Access to the review server: who may send requests, the password, and security headers.

Plain ASGI middleware, so that it covers every route and the websocket.
"""

import hmac
import ipaddress
import math
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qs, quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from idc.reports.templating import HTML

TITLE = "Review of patches"
LOGIN, LOGOUT = "/login", "/logout"
LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"]
SESSION_SECONDS = 12 * 3600
BODY_LIMIT = 4096  # bytes of a sign-in request
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


def guarded(
    app: ASGIApp,
    password: str | None,
    loopback: bool = True,
    secure: bool = False,
    cookie: str = "idc_review",
    clock: Callable[[], float] = time.monotonic,
) -> ASGIApp:
    """Put access control in front of an app, with a sign-in page if there is a password.

    On the loopback, other host names are refused, against DNS rebinding. The name of the session
    cookie contains the port, as cookies ignore ports. `clock` is monotonic, in seconds.
    """
    if password:
        app = SessionMiddleware(
            SignIn(app, password, clock), secrets.token_urlsafe(32), cookie,
            SESSION_SECONDS, same_site="strict", https_only=secure,
        )  # fmt: skip
    app = SameOrigin(app)
    if loopback:
        app = TrustedHostMiddleware(app, LOOPBACK_NAMES, www_redirect=False)
    return SecurityHeaders(app)


class SecurityHeaders:
    """Forbid the browser to load anything from other hosts, or to cache the review."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add headers to the response."""
        # NiceGUI's own files, which contain nothing of the review, may be cached.
        cacheable = scope.get("path", "").startswith("/_nicegui/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                if not cacheable or message["status"] != 200:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, send_with_headers)


class SameOrigin:
    """Refuse requests that another site's page makes a browser send."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan" or _from_own_page(scope):
            await self.app(scope, receive, send)
        else:
            response = PlainTextResponse("Requests from other sites are refused.", 403)
            await response(scope, receive, send)


class SignIn:
    """Ask for the password before everything else; needs Starlette's `SessionMiddleware`."""

    def __init__(self, app: ASGIApp, password: str, clock: Callable[[], float]) -> None:
        self.app, self._password = app, _hashed(password)
        self._limit = SignInLimit(clock)
        # A cookie cannot be withdrawn, so those who are signed in are remembered here.
        self._signed_in: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to sign-in and sign-out; pass requests of signed-in readers on."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        request = Request(scope, receive) if scope["type"] == "http" else None
        token, path = connection.session.get("token"), scope["path"]
        response: Response
        if request is not None and path == LOGIN:
            response = await self._login(request)
        elif token not in self._signed_in:
            response = PlainTextResponse("Sign in first.", 401)
            if request is not None and request.method == "GET" and path == "/":
                here = f"/?{scope['query_string'].decode('latin-1')}".removesuffix("?")
                response = RedirectResponse(f"{LOGIN}?next={quote(here, safe='')}", 303)
        elif request is not None and path == LOGOUT and request.method == "POST":
            self._signed_in.discard(token)
            request.session.clear()
            response = RedirectResponse(LOGIN, 303)
        else:
            await self.app(scope, receive, send)
            return
        await response(scope, receive, send)

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return self._page(local_target(request.query_params.get("next", "/")))
        if int(request.headers.get("content-length", BODY_LIMIT + 1)) > BODY_LIMIT:
            return PlainTextResponse("Too long.", 413)
        form = parse_qs((await request.body()).decode("utf-8", "replace"))
        target = local_target(form.get("next", ["/"])[0])
        if request.session.get("token") in self._signed_in:
            return RedirectResponse(target, 303)
        address = request.client.host if request.client else ""
        if seconds := self._limit.locked(address):
            words = f"Too many wrong passwords. Try again in {math.ceil(seconds / 60)} min."
            return self._page(target, words, 429, {"Retry-After": str(math.ceil(seconds))})
        # Hashes have the same length, so that timing reveals nothing about the password's.
        if not hmac.compare_digest(_hashed(form.get("password", [""])[0]), self._password):
            self._limit.count(address)
            return self._page(target, "Wrong password.", 401)
        self._limit.reset(address)
        request.session["token"] = token = secrets.token_urlsafe(32)
        self._signed_in.add(token)
        return RedirectResponse(target, 303)

    def _page(
        self, target: str, error: str = "", status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        values = {"title": TITLE, "target": target, "error": error, "action": LOGIN}
        return HTMLResponse(HTML.get_template("sign_in.html.j2").render(values), status, headers)


class SignInLimit:
    """Lock an address for ten minutes after eight wrong passwords."""

    ATTEMPTS, SECONDS, ADDRESSES = 8, 600.0, 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, tuple[int, float]] = {}  # number and time of the last

    def locked(self, address: str) -> float:
        """Seconds until the address may try again; 0 if it may now."""
        number, last = self._failed.get(_network(address), (0, 0.0))
        left = last + self.SECONDS - self._clock()
        return max(left, 0.0) if number >= self.ATTEMPTS else 0.0

    def count(self, address: str) -> None:
        """Count a wrong password; earlier ones are forgotten after ten minutes without any."""
        number, last = self._failed.pop(_network(address), (0, 0.0))
        now = self._clock()
        self._failed[_network(address)] = (number + 1 if now - last < self.SECONDS else 1, now)
        if len(self._failed) > self.ADDRESSES:
            self._failed.pop(next(iter(self._failed)))

    def reset(self, address: str) -> None:
        """Forget an address's wrong passwords after the right one."""
        self._failed.pop(_network(address), None)


def local_target(target: str) -> str:
    """The page to open after sign-in if it is a review page on this server, else the start page."""
    return target if target.startswith("/?") and target.isprintable() else "/"


def _from_own_page(scope: Scope) -> bool:
    """Whether a request can come from this server's own page, or from no page."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or len(origins) > 1:
        return False
    if not origins:  # browsers send the origin with every request that may change something
        return scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
    scheme, _, host = origins[0].lower().partition("://")
    # The scheme is ignored, as a proxy that terminates TLS forwards requests over http.
    return scheme in ("http", "https") and _without_port(host) == _without_port(hosts[0].lower())


def _without_port(host: str) -> str:
    """A host without the default port."""
    return host.removesuffix(":80").removesuffix(":443")


def _network(address: str) -> str:
    """The address or, for IPv6, its /64 network, as one machine may have all its addresses."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if ip.version == 4 else str(ipaddress.ip_network((ip, 64), strict=False))


def _hashed(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
