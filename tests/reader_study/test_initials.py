"""Initials as names of metrics."""

from idc.reader_study.initials import metric_initials


def test_initials_for_metrics() -> None:
    few = metric_initials(["Anna Müller", "CD", "Bo", "李"])
    assert [few[name] for name in ("Anna Müller", "CD", "Bo")] == ["AM", "CD", "B"]
    assert few["李"].isalnum()
    alike = metric_initials(["Müller", "Möller", "model", "Bo"])
    assert len(set(alike.values())) == 4
    assert all(word.startswith("M_") for name, word in alike.items() if name != "Bo")
    # Who else reads does not change whose they are.
    more = metric_initials(["Aaron", "Möller", "Mayer", "Müller"])
    assert [more[name] for name in ("Müller", "Möller")] == [alike["Müller"], alike["Möller"]]
    assert "ller" not in "".join(alike.values())
