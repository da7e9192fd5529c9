"""Who may talk to the review server, and where it may listen."""

import asyncio
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.types import ASGIApp

from idc.reader_study.access import LOGIN, LOGOUT, SignInLimit, guarded

PASSWORD = "correct horse battery"
HOST = "127.0.0.1:8080"
WEBSOCKET = "/_nicegui_ws/socket.io/"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The app behind the access control, which answers everything."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the patches"})


class Answer:
    """What came back: status (0 for an accepted websocket), headers, body."""

    def __init__(self, sent: list[dict[str, Any]]) -> None:
        start = sent[0]
        self.status = start.get("status", 0)
        self.headers = {k.decode().lower(): v.decode() for k, v in start.get("headers", [])}
        self.body = b"".join(m.get("body", b"") for m in sent[1:]).decode()

    @property
    def cookie(self) -> str:
        return self.headers.get("set-cookie", "").partition(";")[0]


def ask(
    guard: ASGIApp,
    path: str = "/",
    method: str = "GET",
    body: bytes = b"",
    query: str = "",
    client: str = "192.0.2.7",
    kind: str = "http",
    **headers: str,
) -> Answer:
    named = {"host": HOST, "content-length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    if (method != "GET" or kind == "websocket") and "origin" not in named:
        named["origin"] = f"http://{named['host']}"
    scope = {
        "type": kind,
        "scheme": "ws" if kind == "websocket" else "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in named.items() if v],
        "client": (client, 1),
        "server": ("127.0.0.1", 8080),
    }
    if kind == "http":
        scope["method"] = method
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if kind == "websocket":
            return {"type": "websocket.connect"}
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(guard(scope, receive, send))
    return Answer(sent)


def sign_in(guard: ASGIApp, password: str = PASSWORD, goal: str = "/", **options: Any) -> Answer:
    body = urlencode({"password": password, "next": goal}).encode()
    return ask(guard, LOGIN, "POST", body, **options)


class Clock:
    """A time that passes on request."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guard(clock: Clock) -> ASGIApp:
    return guarded(app, PASSWORD, loopback=False, clock=clock)


def test_without_a_password_this_machine_passes() -> None:
    guard = guarded(app, None)
    for host in ("localhost:8080", "127.0.0.1:9999", "[::1]:8080", "LOCALHOST"):
        assert ask(guard, host=host).body == "the patches"
        assert ask(guard, WEBSOCKET, kind="websocket", host=host).status == 0


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example:8080", "origin": "http://evil.example:8080"},  # DNS rebinding
        {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
        {"host": ""},
        {"host": "[", "origin": "http://["},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},  # another program's page on this machine
        {"origin": "file://127.0.0.1:8080"},
        {"origin": "http://127.0.0.1:8080.evil.example"},
        {"origin": "http://127.0.0.1:8080@evil.example"},
        {"origin": "http://127.0.0.1:99999999"},
    ],
)
def test_other_sites_are_refused(headers: dict[str, str], kind: str) -> None:
    answer = ask(guarded(app, None), WEBSOCKET, kind=kind, **headers)
    assert answer.status in (400, 403) and "the patches" not in answer.body


def test_a_proxy_may_end_tls() -> None:
    guard = guarded(app, PASSWORD, loopback=False)
    headers = {"host": "review.example", "origin": "https://review.example"}
    cookie = sign_in(guard, **headers).cookie
    assert ask(guard, WEBSOCKET, kind="websocket", cookie=cookie, **headers).status == 0


def test_what_changes_something_needs_an_origin() -> None:
    assert ask(guarded(app, None), WEBSOCKET, kind="websocket", origin="").status == 403
    assert ask(guarded(app, None), "/", "POST", origin="").status == 403


@pytest.mark.parametrize(
    "path",
    ["/", "/_nicegui/3.18.0/static/nicegui.js", WEBSOCKET, "/favicon.ico", "/any", "//login"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "PUT"])
def test_every_route_wants_the_password(guard: ASGIApp, path: str, method: str) -> None:
    answer = ask(guard, path, method)
    assert answer.status in (401, 303) and "the patches" not in answer.body
    answer = ask(guard, path, method, cookie="idc_review=guess")
    assert answer.status in (401, 303) and "the patches" not in answer.body


def test_the_websocket_wants_the_password(guard: ASGIApp) -> None:
    assert ask(guard, WEBSOCKET, kind="websocket").status == 401
    assert ask(guard, LOGIN, kind="websocket").status == 401
    cookie = sign_in(guard).cookie
    assert ask(guard, WEBSOCKET, kind="websocket", cookie=cookie).status == 0
    other_site = {"cookie": cookie, "origin": "http://evil.example"}
    assert ask(guard, WEBSOCKET, kind="websocket", **other_site).status == 403


def test_the_right_password_opens(guard: ASGIApp) -> None:
    assert ask(guard, query="reader=AB").headers["location"] == "/login?next=%2F%3Freader%3DAB"
    form = ask(guard, LOGIN, query="next=/?reader=AB%22")
    assert form.status == 200 and 'value="/?reader=AB&#34;"' in form.body
    answer = sign_in(guard, goal="/?reader=AB")
    assert (answer.status, answer.headers["location"]) == (303, "/?reader=AB")
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags and "samesite=strict" in flags and "secure" not in flags
    assert len(answer.cookie) > 50 and sign_in(guard).cookie != answer.cookie
    assert ask(guard, cookie=answer.cookie).body == "the patches"


def test_over_tls_the_cookie_never_travels_in_the_clear() -> None:
    guard = guarded(app, PASSWORD, loopback=False, secure=True)
    assert "secure" in sign_in(guard).headers["set-cookie"].lower()


@pytest.mark.parametrize("wrong", ["", "wrong", PASSWORD + " ", PASSWORD.upper(), "x" * 3000])
def test_a_wrong_password_does_not(guard: ASGIApp, wrong: str) -> None:
    answer = sign_in(guard, wrong)
    assert answer.status == 401 and not answer.cookie and 'role="alert"' in answer.body


@pytest.mark.parametrize(
    "goal",
    ["//evil.example", "https://evil.example", "/\\evil.example", "/?a\r\nSet-Cookie: b", ""],
)
def test_signing_in_leads_nowhere_else(guard: ASGIApp, goal: str) -> None:
    answer = sign_in(guard, goal=goal)
    assert answer.headers["location"] == "/"


def test_eight_wrong_passwords_lock_an_address_for_ten_minutes(
    guard: ASGIApp, clock: Clock
) -> None:
    cookie = sign_in(guard).cookie
    assert [sign_in(guard, "wrong").status for _ in range(9)] == [401] * 8 + [429]
    locked = sign_in(guard, x_forwarded_for="192.0.2.9")
    assert (locked.status, locked.headers["retry-after"]) == (429, "600") and not locked.cookie
    assert sign_in(guard, client="192.0.2.8").status == 303
    # A reader who is signed in can go on.
    assert ask(guard, cookie=cookie).body == "the patches"
    assert sign_in(guard, "wrong", goal="/?reader=AB", cookie=cookie).status == 303
    clock.now += 599
    assert sign_in(guard).status == 429
    clock.now += 1
    assert sign_in(guard).status == 303
    assert [sign_in(guard, "wrong").status for _ in range(8)] == [401] * 8  # it counts anew


def test_addresses_of_one_network_count_together_until_it_is_quiet(clock: Clock) -> None:
    limit = SignInLimit(clock)
    for number in range(8):
        assert limit.locked("2001:db8::2") == 0
        limit.count(f"2001:db8::{number}")
    assert limit.locked("2001:db8::ffff") == 600 and limit.locked("2001:db8:0:1::2") == 0
    clock.now += 600
    limit.count("2001:db8::1")
    assert limit.locked("2001:db8::1") == 0
    for number in range(SignInLimit.ADDRESSES + 5):  # memory is bounded
        limit.count(f"192.{number}")
    assert len(limit._failed) == SignInLimit.ADDRESSES


def test_a_long_request_is_not_read(guard: ASGIApp) -> None:
    assert sign_in(guard, "x" * 5000).status == 413
    assert sign_in(guard, content_length="").status == 413


def test_signing_out_ends_the_session(guard: ASGIApp) -> None:
    cookie = sign_in(guard).cookie
    assert ask(guard, LOGOUT, "GET", cookie=cookie).body == "the patches"  # links cannot sign out
    assert ask(guard, LOGOUT, "POST", cookie=cookie).status == 303
    assert ask(guard, cookie=cookie).status == 303 and ask(guard, "/x", cookie=cookie).status == 401


@pytest.mark.parametrize("path", ["/", LOGIN, "/x"])
def test_every_answer_keeps_the_page_to_itself(guard: ASGIApp, path: str) -> None:
    for answer in (ask(guard, path), ask(guard, path, cookie=sign_in(guard).cookie)):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
        assert "http" not in policy and "*" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
