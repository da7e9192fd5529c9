"""Progressive resizing: which sizes are allowed, and what each epoch has."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idc.errors import ConfigError
from idc.models import progressive_resizing
from idc.models.progressive_resizing import ProgressiveResizing


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([], "begin with epoch 0"),
        ([[1, 24], [2, 48]], "begin with epoch 0"),
        ([[0, 24], [2, 24], [3, 48]], "larger than the one before"),
        ([[0, 36], [2, 24], [3, 48]], "larger than the one before"),
        ([[0, 4], [2, 48]], "size 4 of epoch 0"),
        ([[0, 24], [2, 64]], "size 64 of epoch 2"),
        ([[0, 24], [2, 36]], "end below data.image_size=48"),
        ([[0, 24], [6, 48]], "max_epochs=6 ends before"),
        ([[0, 24, 3]], "give pairs"),
        ([[0, 24], [0, 48]], "an epoch has two sizes"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(sizes: list[Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        ProgressiveResizing(sizes, image_size=48, epochs=6)


@given(st.lists(st.integers(8, 95), min_size=1, max_size=4, unique=True))
def test_a_batch_has_about_as_many_pixels_in_each_phase(sides: list[int]) -> None:
    sizes = list(enumerate([*sorted(sides), 96]))
    callback = ProgressiveResizing(sizes, 96, len(sizes))
    for epoch, size in sizes:
        assert callback.size_of(epoch) == size
        factor = callback.factor_of(epoch)
        assert factor * size**2 <= 96**2 < (factor + 1) * size**2
    assert callback.factor_of(len(sizes) + 3) == 1
    plain = ProgressiveResizing(sizes, 96, len(sizes), batches=False)
    assert {plain.factor_of(epoch) for epoch, _ in sizes} == {1}


def test_training_goes_on_small_after_a_validation_within_an_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = SimpleNamespace(image_size=48)
    module: Any = SimpleNamespace(network=network)
    monkeypatch.setattr(progressive_resizing, "_parts", lambda *_: (module, None))
    callback = ProgressiveResizing([[0, 24], [1, 48]], image_size=48, epochs=2)
    trainer: Any = SimpleNamespace(current_epoch=0)
    callback.on_validation_start(trainer, module)
    assert network.image_size == 48
    callback.on_train_batch_start(trainer, module, None, 1)
    assert network.image_size == 24
