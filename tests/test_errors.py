"""What libraries say is quoted whole, in a line, and without advice to be careless."""

import pickle
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from idc.errors import LINE_LIMIT, CheckpointError, first_line
from idc.models.weights import safe_load

LONG = "The first thing went wrong. " + "So did the second, which takes many words. " * 9


def test_a_long_message_ends_with_a_sentence() -> None:
    line = first_line(ValueError(LONG))
    assert 200 < len(line) <= LINE_LIMIT
    assert line.endswith("words.")


def test_a_long_sentence_ends_with_a_word_and_a_mark() -> None:
    line = first_line(ValueError("word " * 200))
    assert len(line) <= LINE_LIMIT
    assert line.endswith("word …")


def test_a_line_that_introduces_others_takes_them_along() -> None:
    error = RuntimeError("Error(s) in loading state_dict for Net:\n\tMissing key(s): a.weight. \n")
    assert first_line(error) == "Error(s) in loading state_dict for Net: Missing key(s): a.weight."


@pytest.mark.parametrize(
    "advice",
    [
        "Re-run `torch.load` with `weights_only` set to `False`.",
        "If you trust the file you can load it unsafely using `pickle.load()`.",
        "Set allow_pickle=True to read it.",
    ],
)
def test_advice_to_read_a_file_carelessly_is_left_out(advice: str) -> None:
    assert first_line(ValueError(f"It is damaged. {advice}")) == "It is damaged."
    assert first_line(ValueError(advice)) == "ValueError"


@given(st.text())
def test_it_is_one_line_that_says_something(text: str) -> None:
    line = first_line(ValueError(text))
    assert line
    assert len(line) <= LINE_LIMIT
    assert len(line.splitlines()) == 1


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("boom",))


@pytest.mark.parametrize("raw", [True, False])
def test_a_pickle_is_refused_in_our_own_words(tmp_path: Path, raw: bool) -> None:
    path = tmp_path / "weights.pt"
    if raw:
        path.write_bytes(pickle.dumps(Bomb(), protocol=2))
    else:
        torch.save({"state_dict": Bomb()}, path)
    with pytest.raises(CheckpointError, match="could run code") as caught:
        safe_load(path, "resume")
    text = str(caught.value)
    assert str(path) in text
    for careless in ("weights_only", "torch.load", "trust", "WeightsUnpickler"):
        assert careless not in text
