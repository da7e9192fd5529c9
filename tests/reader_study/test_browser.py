"""The review from end to end: a server of its own process, headless Chromium, the journal."""

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
    "Data set", "score", "viridis", "Most evidence", "most evidence",
    "given before the model's answer",
)  # fmt: skip


class Served:
    """A server in its own process."""

    def __init__(self, journal: Path, password: str = "", **options: Any) -> None:
        self.journal = journal
        script = Path(__file__).with_name("review_server.py")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(journal), json.dumps(options)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=journal.parent,
            env={**environment, PASSWORD_VARIABLE: password, "OMP_NUM_THREADS": "1"},
        )
        self._url = ""

    @property
    def url(self) -> str:
        """The page's address, once it can be opened."""
        if not self._url:
            assert self._process.stdout is not None
            self._url = self._process.stdout.readline().strip()
            assert self._url.startswith("http"), "the server did not start"
        return self._url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait: exit code, and what it printed at last."""
        self._process.send_signal(how)
        out, _ = self._process.communicate(timeout=PATIENCE)
        return self._process.returncode, out

    @property
    def answers(self) -> list[Answer]:
        return AnswerStore(self.journal).history()


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Served]]:
    """All servers, started side by side."""
    folder = tmp_path_factory.mktemp("review")
    started = {
        "blinded": Served(folder / "blinded.sqlite"),
        "guarded": Served(folder / "guarded.sqlite", PASSWORD, host="0.0.0.0", mode="open"),
    }
    yield started
    for server in started.values():
        server.end(signal.SIGKILL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """A page of a browser of its own, which writes down all that reaches it and leaves it."""

    def __init__(self, browser: Any) -> None:
        self.context = browser.new_context(viewport={"width": 1280, "height": 800})
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.heard: list[str] = []
        self.hosts: set[str | None] = set()
        self.troubles: list[str] = []
        self.page.on("request", lambda r: self._asked(r.url))
        self.page.on("response", self._answered)
        self.page.on("websocket", self._listen)
        self.page.on("pageerror", lambda e: self.troubles.append(str(e)))
        self.page.on("console", self._said)

    def _asked(self, url: str) -> None:
        if not url.startswith("data:"):
            self.hosts.add(urlsplit(url).hostname)

    def _answered(self, response: Any) -> None:
        if response.request.resource_type == "document" and response.status == 200:
            self.heard.append(response.text())

    def _listen(self, socket: Any) -> None:
        self.hosts.add(urlsplit(socket.url).hostname)
        socket.on("framereceived", lambda frame: self.heard.append(str(frame)))

    def _said(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def see(self, words: str) -> Any:
        place = self.page.get_by_text(words).first
        place.wait_for(state="visible")
        return place

    def at(self, number: int) -> None:
        """Wait until this case is shown."""
        self.page.locator(f"[data-case='{number - 1}'] h1").wait_for()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def secrets(self) -> list[str]:
        text = "\n".join([*self.heard, self.page.content()])
        return [secret for secret in SECRETS if secret in text]


@pytest.fixture
def tab(browser: Any) -> Iterator[Callable[[], Tab]]:
    tabs: list[Tab] = []

    def new() -> Tab:
        tabs.append(Tab(browser))
        return tabs[-1]

    yield new
    for one in tabs:
        one.context.close()


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
    one.press("m", "]", "r")  # what is not there cannot be turned on or judged
    assert one.page.locator("img").count() == 2 and not server.answers
    assert one.secrets() == []
    assert any("shown after your verdict" in text for text in one.heard)  # it does listen

    one.press("i")
    one.see("Saved")
    (answer,) = server.answers
    assert (answer.reader, answer.case, answer.verdict) == ("AB", made_up_cases()[0].path, 1)
    assert (answer.seen_model, answer.mode, answer.map_marks) == (False, "blinded", "")
    one.see("given before the model's answer")
    one.see("score 0.31 for IDC; threshold 0.44")
    shown = one.page.locator("img.map")
    assert shown.evaluate("e => [e.naturalWidth, +e.style.opacity]") == [50, 0.7]

    assert {"0.31", "0.44", "gradcam", "Data set"} <= set(one.secrets())

    one.press("p")
    until(lambda: server.answers[-1].map_marks == "partly")
    assert server.answers[-1].method == "gradcam" and not server.answers[-1].seen_model

    before = len(server.answers)
    one.press("c")
    one.page.keyboard.type("nu wr01 in situ? [m]")
    until(lambda: server.answers[-1].remark == "nu wr01 in situ? [m]")
    assert {a.verdict for a in server.answers} == {1}
    assert len(server.answers) <= before + 8  # a pause in typing, not every letter
    one.press("Escape", "ArrowRight")
    one.at(2)
    assert one.page.locator("textarea").count() == 0  # nothing of the last case stays
    assert "0.41" not in one.page.content()
    one.press("ArrowLeft")
    one.at(1)
    assert one.page.locator("textarea").input_value() == "nu wr01 in situ? [m]"

    one.page.get_by_role("button", name="Unsure").click()
    one.see("after seeing the model's answer")
    assert (server.answers[-1].verdict, server.answers[-1].seen_model) == (-1, True)
    assert server.answers[-1].remark == "nu wr01 in situ? [m]"
    assert one.hosts == {"127.0.0.1"} and one.troubles == []


def test_a_remark_left_in_haste_is_kept(servers: dict[str, Served], tab: Callable[[], Tab]) -> None:
    server, one = servers["blinded"], tab()
    one.page.goto(f"{server.url}?reader=hasty")
    one.at(1)
    one.press("0")
    one.page.get_by_role("textbox", name="Remark").fill("typed, and on")
    one.page.get_by_role("button", name="Next").click()
    one.at(2)
    assert server.answers[-1].remark == "typed, and on"
    one.press("0")
    one.page.get_by_role("textbox", name="Remark").fill("typed, and away")
    one.context.close()
    until(lambda: server.answers[-1].remark == "typed, and away")


def test_two_readers_at_once(servers: dict[str, Served], tab: Callable[[], Tab]) -> None:
    server, first, second = servers["blinded"], tab(), tab()
    for one, name in ((first, "Reader One"), (second, "Reader Two")):
        one.page.goto(f"{server.url}?reader={name.replace(' ', '%20')}")
        one.at(1)
    first.press("i")
    first.see("given before the model's answer")
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
    rows = second.page.locator("tr").all_inner_texts()
    assert [row.split("\t") for row in rows[:3]] == [
        ["Verdict no IDC", "1"], ["Verdict unsure", "4"], ["The model agrees", "1 of 1"],
    ]  # fmt: skip
    heard = "\n".join([*second.heard, second.page.content()])
    assert "Reader One" not in heard and "secret of one" not in heard
    given = [(a.reader, a.verdict) for a in server.answers if a.reader.startswith("Reader")]
    assert given[-5:] == [("Reader Two", 0), *[("Reader Two", -1)] * 4]
    assert ("Reader One", 1) in given and ("Reader One", 0) not in given


def test_what_cannot_be_saved_is_told_and_stays(
    servers: dict[str, Served], tab: Callable[[], Tab]
) -> None:
    server, one = servers["blinded"], tab()
    full = server.journal.with_name("full")
    one.page.goto(f"{server.url}?reader=full%20disk")
    one.at(1)
    full.touch()
    try:
        one.press("i")
        alarm = one.page.get_by_role("alert").filter(has_text="NOT SAVED")
        alarm.wait_for()
        assert "No space left" in alarm.inner_text() and one.secrets() == []
        one.press("ArrowRight")
        one.page.wait_for_timeout(200)
        assert one.page.locator("[data-case]").get_attribute("data-case") == "0"
        assert one.page.locator("button.unsaved").inner_text().startswith("IDC")
    finally:
        full.unlink()
    assert not [a for a in server.answers if a.reader == "full disk"]
    one.page.get_by_role("button", name="Try again").click()
    one.see("given before the model's answer")
    alarm.wait_for(state="hidden")
    assert [a.verdict for a in server.answers if a.reader == "full disk"] == [1]


def test_an_open_review_by_mouse(servers: dict[str, Served], tab: Callable[[], Tab]) -> None:
    server, one = servers["guarded"], tab()
    page = one.page
    page.goto(f"http://127.0.0.1:{server.port}/?reader=CD")
    page.get_by_label("Password").fill(PASSWORD)
    one.press("Enter")
    one.at(1)
    one.see("score 0.31 for IDC")
    shown = page.locator("img.map")
    shown.wait_for()
    one.press("r")
    one.see("Give your verdict first.")
    assert not server.answers
    page.get_by_role("button", name="No IDC").click()
    one.see("Saved")
    assert (server.answers[-1].verdict, server.answers[-1].seen_model) == (0, True)

    one.press("[", "[")
    until(lambda: shown.evaluate("e => +e.style.opacity") == 0.5)
    page.get_by_role("button", name="Map", exact=False).first.click()
    until(lambda: shown.evaluate("e => +e.style.opacity") == 0)
    one.press("r")
    one.see("Turn the map on first.")
    assert page.get_by_role("button", name="Right").is_disabled()

    grey = shown.get_attribute("src")
    page.get_by_label("Method of the map").select_option("saliency")
    one.see("fails the weights check")
    one.see("against IDC")
    until(lambda: shown.evaluate("e => +e.style.opacity") == 0.5)
    assert shown.get_attribute("src") != grey
    one.press("w")  # the list of methods has let go of the keys
    until(lambda: server.answers[-1].map_marks == "wrong")
    assert server.answers[-1].method == "saliency"

    one.press("Control+r", "Alt+p", "ArrowRight")  # the browser's own shortcuts are no marks
    one.at(2)
    assert server.answers[-1].map_marks == "wrong"
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
    assert len([a for a in server.answers if a.verdict == 1]) == 0
    assert one.hosts == {"127.0.0.1"} and one.troubles == []


def test_a_name_in_the_address_is_never_read_as_html(
    servers: dict[str, Served], tab: Callable[[], Tab]
) -> None:
    one = tab()
    one.page.goto(f"{servers['blinded'].url}?reader=%3Cimg%20src=x%20onerror=alert(1)%3E")
    one.at(1)
    one.see("<img src=x onerror=alert(1)>")
    assert one.page.locator("img[src=x]").count() == 0


def test_a_password_before_everything(servers: dict[str, Served], tab: Callable[[], Tab]) -> None:
    server, one = servers["guarded"], tab()
    url = f"http://127.0.0.1:{server.port}/"
    for path in (
        "",
        "_nicegui/x/static/nicegui.js",
        "_nicegui_ws/socket.io/?EIO=4&transport=polling",
    ):
        assert status_of(server.port, f"/{path}") in (303, 401)
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": url.rstrip("/"),
    }  # fmt: skip
    socket_path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert status_of(server.port, socket_path, upgrade) in (401, 403)

    one.page.goto(f"{url}?reader=EF")
    one.page.get_by_label("Password").fill("wrong password")
    one.press("Enter")
    one.see("Wrong password.")
    one.page.get_by_label("Password").fill(PASSWORD)
    one.press("Enter")
    one.at(1)
    (cookie,) = one.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    assert PASSWORD not in cookie["value"]
    signed_in = {**upgrade, "Cookie": f"{cookie['name']}={cookie['value']}"}
    assert status_of(server.port, socket_path, signed_in) == 101
    elsewhere = {**signed_in, "Origin": "http://evil.example"}
    assert status_of(server.port, socket_path, elsewhere) == 403
    one.press("u")
    one.see("Saved")
    one.page.get_by_role("button", name="Sign out").click()
    one.page.get_by_label("Password").wait_for()
    one.page.goto(f"{url}?reader=EF")
    one.page.get_by_label("Password").wait_for()
    assert server.answers[-1].reader == "EF" and one.hosts == {"127.0.0.1"}


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
    one.page.goto(f"{server.url}?reader=GH")
    one.at(1)
    one.press("i")
    one.see("Saved")
    one.press("r")
    until(lambda: server.answers[-1].map_marks == "right")
    one.press("ArrowRight")
    one.at(2)
    one.press("n")
    one.see("given before the model's answer")
    given = server.answers
    server.end(signal.SIGKILL)
    one.page.locator("#popup[aria-hidden=false]").wait_for()
    assert one.page.locator(".status").is_hidden()  # no word of "saved" without a server

    again = Served(server.journal, port=server.port)
    servers["blinded"] = again
    assert again.answers == given and again.url == server.url
    one.at(3)  # the page comes back by itself and goes on at the first case without an answer
    one.see("2 of 5 answered")
    one.press("i")
    one.see("given before the model's answer")
    assert again.answers[-1].case == made_up_cases()[2].path

    code, out = again.end(signal.SIGINT)  # Ctrl-C, with a reader on the page
    assert (code, out.strip()) == (0, "ended")
    assert len(again.answers) == len(given) + 1
