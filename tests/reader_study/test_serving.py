"""Settings of the review server, and what they are refused for."""

import importlib.util
import socket
from pathlib import Path
from typing import Any

import pytest
from review_server import made_up_book

from idc.errors import ConfigError
from idc.reader_study.answer_store import AnswerStore
from idc.reader_study.serving import (
    PASSWORD_VARIABLE,
    Settings,
    check_address,
    resolve_address,
    serve,
)

PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"host": "0.0.0.0"}, PASSWORD_VARIABLE),
        ({"host": "::"}, PASSWORD_VARIABLE),
        ({"host": ""}, PASSWORD_VARIABLE),
        ({"host": "0.0.0.0", "password": "short"}, "8 or more"),
        ({"password": "short"}, "8 or more"),
        ({"host": "no-such-host.invalid"}, "review.host=no-such-host.invalid"),
        ({"port": 99999}, "99999"),
        ({"ssl_certfile": "a.pem"}, "both ssl_certfile and ssl_keyfile"),
    ],
)
def test_settings_that_cannot_be_served(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE, raising=False)

    def no_socket(*_: object, **__: object) -> None:
        raise OverflowError("port must be 0-65535.")

    monkeypatch.setattr(socket, "create_server", no_socket)
    with pytest.raises(ConfigError, match=message):
        serve(made_up_book(), AnswerStore(tmp_path / "a.sqlite"), Settings(**options))


def test_a_port_in_use_is_refused(tmp_path: Path) -> None:
    answers = AnswerStore(tmp_path / "a.sqlite")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"review.port={port}.*in use.*running already"):
            serve(made_up_book(), answers, Settings(port=port, password=None))


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"'\.\[review\]'"):
        serve(made_up_book(), AnswerStore(tmp_path / "a.sqlite"), Settings())


def test_no_cases_are_not_served(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no cases"):
        serve(made_up_book(count=0), AnswerStore(tmp_path / "a.sqlite"), Settings())


def test_the_password_comes_from_the_environment_and_is_not_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    settings = Settings()
    assert settings.password == PASSWORD and PASSWORD not in repr(settings)
    monkeypatch.setenv(PASSWORD_VARIABLE, "")
    assert Settings().password is None


def test_only_the_loopback_needs_no_password(caplog: pytest.LogCaptureFixture) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        _, address = resolve_address(host, 0)
        assert check_address(Settings(host=host, password=None), address)
    assert not caplog.records
    assert not check_address(Settings(host="0.0.0.0", password=PASSWORD), "0.0.0.0")
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # no HTTPS
    caplog.clear()
    secure = Settings(password=PASSWORD, ssl_certfile="a.pem", ssl_keyfile="a.key")
    assert not check_address(secure, "192.0.2.1")
    assert not caplog.records
