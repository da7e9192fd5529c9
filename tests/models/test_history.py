"""Learning curves that survive a checkpoint."""

from hypothesis import given
from hypothesis import strategies as st

from idc.models.history import COLUMNS, History

NAMES = ("train/loss", "val/loss", "val/f1")
EPOCHS = st.lists(
    st.dictionaries(st.sampled_from(NAMES), st.floats(allow_nan=False), min_size=1), max_size=5
)


def filled(epochs: list[dict[str, float]]) -> History:
    history = History()
    for number, values in enumerate(epochs):
        history.add(number, values)
    return history


@given(EPOCHS)
def test_a_checkpoint_brings_everything_back(epochs: list[dict[str, float]]) -> None:
    history, restored = filled(epochs), History()
    restored.restore(history.state())
    assert restored.table().equals(history.table())
    assert [restored.epoch(i) for i in range(len(epochs))] == epochs


def test_the_table_counts_epochs_from_one() -> None:
    table = filled([{"train/loss": 1.0}, {"val/f1": 0.5}]).table()
    assert table.columns.tolist() == list(COLUMNS)
    assert table.to_numpy().tolist() == [[1, "train", "loss", 1.0], [2, "val", "f1", 0.5]]


def test_an_epoch_that_is_repeated_replaces_its_values() -> None:
    history = filled([{"val/f1": 0.5}])
    history.add(0, {"val/f1": 0.75})
    assert history.epoch(0) == {"val/f1": 0.75}
    assert history.epoch(1) == {}
    assert len(history.table()) == 1
