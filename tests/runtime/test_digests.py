"""A digest holds for every copy of a content, and for no other content."""

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from idc.runtime.digests import KEY, content_digest, file_digest, is_intact, seal


def content() -> dict[str, Any]:
    weights = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    return {
        "state_dict": {"weight": weights, "steps": torch.tensor(3), "none": torch.empty(0)},
        "half": torch.ones(3, dtype=torch.bfloat16),
        "lr": 0.1,
        "bad": float("nan"),
        "names": ["a", ("b", None, True)],
    }


def test_it_survives_the_disk(tmp_path: Path) -> None:
    sealed = content()
    seal(sealed)
    torch.save(sealed, tmp_path / "a.ckpt")
    loaded = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert is_intact(loaded)
    assert len(loaded[KEY]) == 64


@given(st.integers(0, 23), st.integers(0, 31))
def test_each_bit_of_a_weight_counts(number: int, bit: int) -> None:
    sealed = content()
    seal(sealed)
    flat = sealed["state_dict"]["weight"].contiguous().view(torch.int32).reshape(-1).clone()
    flat[number] ^= 1 << bit if bit < 31 else -(2**31)
    sealed["state_dict"]["weight"] = flat.view(torch.float32).reshape(1, 2, 3, 4)
    assert not is_intact(sealed)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("lr", 0.2),
        ("bad", 0.0),
        ("names", ["a", "b", None, True]),
        ("half", torch.ones(3)),
        ("half", torch.ones(3, 1, dtype=torch.bfloat16)),
        ("extra", None),
        (KEY, "0" * 64),
    ],
)
def test_each_value_and_shape_counts(key: str, value: object) -> None:
    sealed = content()
    seal(sealed)
    assert is_intact(sealed)
    assert not is_intact({**sealed, key: value})


def test_what_stands_apart_cannot_be_joined() -> None:
    assert content_digest({"a": ["bc", "d"]}) != content_digest({"a": ["b", "cd"]})
    assert content_digest({"a": [["b"], "c"]}) != content_digest({"a": [["b", "c"]]})


def test_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    # FIPS 180-4's value for no bytes.
    assert file_digest(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
