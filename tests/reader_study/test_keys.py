"""Keyboard shortcuts."""

from idc.reader_study.keys import key_for, review_keys


def test_keys_are_unambiguous_and_every_class_has_one() -> None:
    for names in (("no IDC", "IDC"), ("a", "b"), tuple("abcdefgh"), tuple("abcdefghijklm")):
        key_names = [name for key in review_keys(names) for name in key.keys]
        assert len(key_names) == len(set(key_names))
        for verdict in [-1, *range(min(len(names), 10))]:
            assert key_for(review_keys(names), ("verdict", verdict)) is not None
    idc = key_for(review_keys(("no IDC", "IDC")), ("verdict", 1))
    assert idc is not None and idc.keys == ("1", "i")
