"""Names that MLflow takes, for names from data: no two fall together."""

from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, _validate_metric_name

from idc.tracking.entity_names import entity_name

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
# What MLflow takes as it is; letters outside ASCII are not for every database below it.
PLAIN = st.from_regex(r"[a-z][a-z0-9_ :-]{0,20}(/[a-z0-9]{1,8}){0,3}", fullmatch=True)


@given(NAMES)
def test_mlflow_takes_every_name(name: str) -> None:
    cleaned = entity_name(name)
    _validate_metric_name(cleaned)
    assert cleaned.isascii()
    assert len(cleaned) <= MAX_ENTITY_KEY_LENGTH


@given(st.lists(NAMES, unique=True, max_size=20))
def test_names_that_differ_stay_apart(names: list[str]) -> None:
    assert len({entity_name(name) for name in names}) == len(names)


@given(PLAIN)
def test_a_plain_name_is_kept(name: str) -> None:
    assert entity_name(name) == name


def test_patients_with_chinese_names_are_two() -> None:
    one, two = entity_name("test/recall_患者一"), entity_name("test/recall_患者二")
    assert one != two
    assert one.startswith("test/recall____")
    assert entity_name("test/recall_患者一") == one  # in every run the same
