"""Passwords and tokens are taken out of every text."""

import io
import logging
import os
import string
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.launch.arguments import without_secrets
from idc.runtime.redaction import Formatter, hide_secrets, redact

LETTERS = st.text(string.ascii_letters + string.digits + "-._~!$()*,", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user:sekret@host:5000/path", "http://***@host:5000/path"),
        ("http://sekret@host", "http://***@host"),
        ("postgresql+psycopg2://user:se/kr@et@host/db", "postgresql+psycopg2://***@host/db"),
        ("(https://host/?token=abc&u=1#top)", "(https://host/?token=***&u=***#top)"),
        ("uri='http://u:p@h' and \"http://h/?a=b\"", "uri='http://***@h' and \"http://h/?a=***\""),
        ("sqlite:////home/me@work/mlruns/mlflow.db", "sqlite:////home/me@work/mlruns/mlflow.db"),
        ("http://127.0.0.1:8080/a?", "http://127.0.0.1:8080/a?"),
        ("me@example.org paid 5 of 7? yes=no", "me@example.org paid 5 of 7? yes=no"),
    ],
)
def test_uris_lose_users_passwords_and_the_values_of_their_query(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(shown) == shown


@given(LETTERS, LETTERS, LETTERS)
def test_no_uri_keeps_its_secrets(user: str, password: str, token: str) -> None:
    marked = [f"<{part}>".replace("<", "Q7x").replace(">", "x7Q") for part in (user, password)]
    text = f"at http://{marked[0]}:{marked[1]}@host/path?token=Q7x{token}x7Q: refused"
    assert "Q7x" not in redact(text)
    assert redact(text).startswith("at http://***@host/path?token=***")


def test_what_the_environment_holds_is_known_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "MLFLOW_TRACKING_URI", "https://u:p%40ssw0rd@host/?token=abc123&mode=require"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "another-one")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "bearer-1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUt/K7+")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "disabled")
    text = "url: /?token=abc123/api p@ssw0rd p%40ssw0rd another-one bearer-1 wJalrXUt/K7+"
    assert redact(text) == "url: /?token=***/api *** *** *** *** ***"
    assert redact("disabled, mode=require") == "disabled, mode=require"


def test_a_password_that_is_the_user_takes_no_word_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:mlflow@host/mlflow")
    assert redact("mlruns/mlflow.db") == "mlruns/mlflow.db"
    assert redact("postgresql://mlflow:mlflow@host/mlflow") == "postgresql://***@host/mlflow"


def test_prints_tracebacks_and_logs_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    hide_secrets()
    hide_secrets()
    uri = "http://user:sekret@host"
    print("look at", uri)
    sys.stdout.writelines([uri])
    assert out.getvalue() == "look at http://***@host\nhttp://***@host"
    try:
        raise ValueError(uri)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
        record = logging.LogRecord("a", logging.ERROR, "", 1, "%s", (uri,), sys.exc_info())
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Formatter("%(message)s"))
    handler.handle(record)
    for text in (err.getvalue(), written.getvalue()):
        assert "ValueError: http://***@host" in text
        assert "sekret" not in text


def test_arguments_hold_names_of_variables_in_place_of_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("IDC_HIDDEN_TRACKING_URI", "")
    arguments = ["-m", "seed=1,2", "tracking.uri='http://user:sekret@host/?token=abc123'", "a=b"]
    assert without_secrets(arguments) == [
        "-m",
        "seed=1,2",
        "tracking.uri=${oc.env:IDC_HIDDEN_TRACKING_URI}",
        "a=b",
    ]
    assert os.environ["IDC_HIDDEN_TRACKING_URI"] == "http://user:sekret@host/?token=abc123"
    broken = "tracking.uri=http://user:sekret@host/?a=b"  # Hydra wants quotes, and says so
    assert without_secrets([broken]) == [broken]
