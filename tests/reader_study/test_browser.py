"""The review page from end to end: a server of its own process, headless Chromium, the answers."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from review_server import made_up_cases

from conftest import PATIENCE
from idc.reader_study.answer import Answer
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.serving import PASSWORD_VARIABLE

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("nicegui")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not here"),
]
# The browser itself must not call anyone either.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
PASSWORD = "correct horse battery"
# What a reader must not have before a blinded verdict on the first case.
SECRETS = (
    "0.31", "0.44", "0.4375", "class0", "class1", "gradcam", "saliency", "weights check",
    "Data set", "score", "evidence for", "given before the model's answer",
)  # fmt: skip
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}


class Served:
    """A server in its own process."""

    def __init__(self, path: Path, password: str = "", **options: Any) -> None:
        self.path = path
        script = Path(__file__).with_name("review_server.py")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(path), json.dumps(options)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=path.parent,
            env={**environment, PASSWORD_VARIABLE: password, "OMP_NUM_THREADS": "1"},
        )
        self._url = ""

    @property
    def url(self) -> str:
        """The page's address on this machine, once it can be opened."""
        if not self._url:
            assert self._process.stdout is not None
            address = self._process.stdout.readline().strip()
            assert address.startswith("http"), "the server did not start"
            self._url = f"http://127.0.0.1:{urlsplit(address).port}/"
        return self._url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait: exit code, and what it printed at last."""
        self._process.send_signal(how)
        out, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, out

    def answers(self, reader: str) -> list[Answer]:
        return AnswerStore(self.path).history(reader)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """Both servers, started side by side."""
    folder = tmp_path_factory.mktemp("review")
    started = {
        "blinded": Served(folder / "blinded.sqlite"),
        "guarded": Served(folder / "guarded.sqlite", PASSWORD, host="0.0.0.0", mode="open"),
    }
    yield started
    for server in started.values():
        server.end(signal.SIGKILL)


class Tab:
    """A tab that records everything that reaches it and leaves it."""

    def __init__(self, context: Any) -> None:
        self.page = context.new_page()
        self.heard: list[str] = []
        self.hosts: set[str | None] = set()
        self.troubles: list[str] = []
        self.page.on("request", lambda request: self._add_host(request.url))
        self.page.on("response", self._add_response)
        self.page.on("websocket", self._listen)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("console", self._add_message)

    def _add_host(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(urlsplit(url).hostname)

    def _add_response(self, response: Any) -> None:
        if response.request.resource_type == "document" and response.status == 200:
            self.heard.append(response.text())

    def _listen(self, socket: Any) -> None:
        self.hosts.add(urlsplit(socket.url).hostname)
        socket.on("framereceived", lambda frame: self.heard.append(str(frame)))

    def _add_message(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def see(self, words: str) -> Any:
        place = self.page.get_by_text(words).first
        place.wait_for(state="visible")
        return place

    def open(self, server: Served, reader: str) -> None:
        """Open the first case of a reader without answers."""
        self.page.goto(f"{server.url}?reader={reader}")
        self.at(1)

    def at(self, number: int) -> None:
        """Wait until this case is shown."""
        self.page.locator(f"[data-case='{number - 1}'] .heading1").wait_for()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def secrets(self) -> list[str]:
        text = "\n".join([*self.heard, self.page.content()])
        return [secret for secret in SECRETS if secret in text]

    def box(self, selector: str) -> dict[str, float]:
        box: dict[str, float] = self.page.locator(selector).first.bounding_box()
        return box


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    """One browser with one cache, as loading NiceGUI's scripts anew takes seconds."""
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport=DESKTOP)
        context.set_default_timeout(60_000)
        yield context
        browser.close()


@pytest.fixture
def tab(context: Any) -> Iterator[Callable[[], Tab]]:
    tabs: list[Tab] = []

    def new() -> Tab:
        tabs.append(Tab(context))
        return tabs[-1]

    yield new
    for one in tabs:
        one.page.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.02)


def test_a_blinded_review_by_keys(servers: dict[str, Served], tab: Callable[[], Tab]) -> None:
    server, one = servers["blinded"], tab()
    one.page.goto(server.url)
    one.page.get_by_label("Your name or initials").fill("AB")
    one.press("Enter")
    one.at(1)
    one.see("shown after your verdict")
    one.press("m", "]")  # what is not there cannot be turned on or judged
    one.see("no map to show yet")
    one.press("r")
    one.see("Give your verdict first.")
    assert one.page.locator(".patch").count() == 1 and not server.answers("AB")
    assert one.secrets() == []
    assert any("shown after your verdict" in text for text in one.heard)  # it does listen

    wide = one.box(".slide")["width"]
    assert one.box(".scale")["width"] == pytest.approx(wide / 11, rel=0.03)
    one.press("+")
    assert one.box(".slide")["width"] == pytest.approx(1.5 * wide, rel=0.01)
    assert one.box(".scale")["width"] == pytest.approx(1.5 * wide / 11, rel=0.03)
    one.page.set_viewport_size(PHONE)
    assert one.box(".around")["y"] < one.box(".patch")["y"] < one.box(".verdicts")["y"]
    assert one.box(".verdicts")["y"] + one.box(".verdicts")["height"] < PHONE["height"]
    one.page.set_viewport_size(DESKTOP)

    one.press("i")
    one.see("given before the model's answer")
    (answer,) = server.answers("AB")
    assert (answer.case, answer.verdict) == (made_up_cases()[0].path, 1)
    assert (answer.seen_model, answer.mode, answer.map_marks) == (False, "blinded", "")
    one.see("score 0.31 for IDC; threshold 0.44")
    assert one.page.locator(".map img").evaluate("e => e.naturalWidth") == 50
    assert {"0.31", "0.44", "gradcam", "Data set"} <= set(one.secrets())

    one.press("p")
    until(lambda: server.answers("AB")[-1].map_marks == "partly")
    assert server.answers("AB")[-1].method == "gradcam"
    assert not server.answers("AB")[-1].seen_model

    before = len(server.answers("AB"))
    one.press("c")
    one.page.keyboard.type("nu wr01 in situ? [m]")
    until(lambda: server.answers("AB")[-1].remark == "nu wr01 in situ? [m]")
    assert {a.verdict for a in server.answers("AB")} == {1}
    assert len(server.answers("AB")) <= before + 8  # a pause in typing, not every letter
    one.press("Escape", "ArrowRight")
    one.at(2)
    assert one.page.locator("textarea").count() == 0  # nothing of the last case stays
    assert "0.41" not in one.page.content()
    one.press("ArrowLeft")
    one.at(1)
    assert one.page.locator("textarea").input_value() == "nu wr01 in situ? [m]"
    one.page.get_by_role("button", name="Unsure").click()
    one.see("after seeing the model's answer")
    last = server.answers("AB")[-1]
    assert (last.verdict, last.seen_model, last.remark) == (-1, True, "nu wr01 in situ? [m]")

    # A remark is kept, however the reader leaves it.
    one.page.get_by_role("button", name="Next").click()
    one.at(2)
    one.press("0")
    one.page.get_by_role("textbox", name="Remark").fill("typed, and on")
    one.page.get_by_role("button", name="Next").click()
    one.at(3)
    assert server.answers("AB")[-1].remark == "typed, and on"
    one.press("0")
    one.page.get_by_role("textbox", name="Remark").fill("typed, and away")
    assert one.hosts == {"127.0.0.1"} and one.troubles == []
    one.page.close()
    until(lambda: server.answers("AB")[-1].remark == "typed, and away")


def test_readers_see_nothing_of_one_another_and_an_unsaved_answer_stays(
    servers: dict[str, Served], tab: Callable[[], Tab]
) -> None:
    server, first, second = servers["blinded"], tab(), tab()
    first.open(server, "%3Cimg%20src=x%20onerror=alert(1)%3E")
    name = "<img src=x onerror=alert(1)>"  # never read as HTML
    first.see(name)
    assert first.page.locator("img[src=x]").count() == 0
    second.open(server, "Reader%20Two")
    full = server.path.with_name("full")
    full.touch()
    try:
        first.press("i")
        alarm = first.page.get_by_role("alert").filter(has_text="NOT SAVED")
        alarm.wait_for()
        assert "No space left" in alarm.inner_text() and first.secrets() == []
        first.press("ArrowRight")
        first.see("Drop this answer")
        assert first.page.locator("[data-case]").get_attribute("data-case") == "0"
        assert "IDC" in first.page.locator("button.unsaved").inner_text()
    finally:
        full.unlink()
    assert server.answers(name) == []
    first.page.get_by_role("button", name="Try again").click()
    first.see("given before the model's answer")
    alarm.wait_for(state="hidden")
    assert [a.verdict for a in server.answers(name)] == [1]
    first.page.get_by_role("textbox", name="Remark").fill("a secret of one")
    first.page.get_by_role("button", name="Next").click()
    first.at(2)

    assert second.secrets() == []
    second.press("n")
    second.see("given before the model's answer")
    for number in range(2, 6):
        second.press("ArrowRight")
        second.at(number)
        second.press("u")
        second.see("Saved")
    second.press("ArrowRight")
    second.see("Thank you, Reader Two.")
    second.see("You answered 5 of 5 cases.")
    values = second.page.locator(".facts dd").all_inner_texts()
    assert values[:3] == ["1", "4", "1 of 1"]
    heard = "\n".join([*second.heard, second.page.content()])
    assert "onerror" not in heard and "secret of one" not in heard
    assert [a.verdict for a in server.answers("Reader Two")] == [0, -1, -1, -1, -1]


def test_a_password_then_an_open_review_by_mouse(
    servers: dict[str, Served], tab: Callable[[], Tab]
) -> None:
    server, one = servers["guarded"], tab()
    page = one.page
    for path in (
        "",
        "_nicegui/x/static/nicegui.js",
        "_nicegui_ws/socket.io/?EIO=4&transport=polling",
    ):
        assert status_of(server.port, f"/{path}") in (303, 401)
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": server.url.rstrip("/"),
    }  # fmt: skip
    socket_path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert status_of(server.port, socket_path, upgrade) in (401, 403)

    page.goto(f"{server.url}?reader=CD")
    page.get_by_label("Password").fill("wrong password")
    one.press("Enter")
    one.see("Wrong password.")
    page.get_by_label("Password").fill(PASSWORD)
    one.troubles.clear()  # the browser reports the status of the wrong password
    one.press("Enter")
    one.at(1)
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert PASSWORD not in cookie["value"]
    signed_in = {**upgrade, "Cookie": f"{cookie['name']}={cookie['value']}"}
    assert status_of(server.port, socket_path, signed_in) == 101
    elsewhere = {**signed_in, "Origin": "http://evil.example"}
    assert status_of(server.port, socket_path, elsewhere) == 403

    one.see("score 0.31 for IDC")
    one.press("r")
    one.see("Give your verdict first.")
    page.get_by_role("button", name="No IDC").click()
    one.see("Saved")
    (answer,) = server.answers("CD")
    assert (answer.verdict, answer.seen_model) == (0, True)

    shown = page.locator(".map img")
    pictures = [shown.get_attribute("src")]

    def changed() -> bool:
        source = shown.get_attribute("src")
        if source in pictures:
            return False
        pictures.append(source)
        return True

    one.press("[")
    until(changed)
    page.get_by_role("switch", name="Map").click()
    until(changed)
    page.locator("body").click(position={"x": 600, "y": 25})
    one.press("r")
    one.see("Turn the map on first.")
    assert page.get_by_role("button", name="Right").is_disabled()
    one.press("m")
    until(lambda: shown.get_attribute("src") == pictures[1])
    page.get_by_label("Method of the map").click()
    page.get_by_role("option", name="saliency").click()
    one.see("fails the weights check")
    one.see("against IDC")
    until(changed)
    page.locator(".q-menu").wait_for(state="detached")
    one.press("w")  # the list of methods has released the keys
    until(lambda: server.answers("CD")[-1].map_marks == "wrong")
    assert server.answers("CD")[-1].method == "saliency"

    one.press("Control+r", "Alt+p", "ArrowRight")  # the browser's own shortcuts are no marks
    one.at(2)
    assert server.answers("CD")[-1].map_marks == "wrong"
    page.get_by_role("button", name="Cases").click()
    page.get_by_role("button", name="Case 5", exact=True).click()
    one.at(5)
    one.see("surroundings cannot be shown")
    page.locator(".q-dialog").wait_for(state="detached")
    one.press("?")
    one.see("Keyboard shortcuts")
    one.press("i")  # the keys rest while a dialog is open
    one.press("Escape")
    page.locator(".q-dialog").wait_for(state="detached")
    one.press("ArrowRight")
    one.see("You answered 1 of 5 cases.")
    assert not [a for a in server.answers("CD") if a.verdict == 1]
    assert one.hosts == {"127.0.0.1"} and one.troubles == []
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Password").wait_for()
    assert status_of(server.port, "/", {"Cookie": signed_in["Cookie"]}) == 303


def status_of(port: int, path: str, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_server_that_is_killed_loses_nothing(
    servers: dict[str, Served], tab: Callable[[], Tab]
) -> None:
    server, one = servers["blinded"], tab()
    one.open(server, "GH")
    one.press("i")
    one.see("Saved")
    one.press("r")
    until(lambda: server.answers("GH")[-1].map_marks == "right")
    one.press("ArrowRight")
    one.at(2)
    one.press("n")
    one.see("given before the model's answer")
    given = server.answers("GH")
    server.end(signal.SIGKILL)
    one.page.locator("#popup[aria-hidden=false]").wait_for()
    assert one.page.locator(".status").is_hidden()  # no word of "saved" without a server

    again = Served(server.path, port=server.port)
    servers["blinded"] = again
    assert again.answers("GH") == given and again.url == server.url
    one.at(3)  # the page comes back by itself and goes on at the first case without an answer
    one.see("2 of 5 answered")
    one.press("i")
    one.see("given before the model's answer")
    assert again.answers("GH")[-1].case == made_up_cases()[2].path

    code, out = again.end(signal.SIGINT)  # Ctrl-C, with a reader on the page
    assert (code, out.strip()) == (0, "ended")
    assert len(again.answers("GH")) == len(given) + 1
