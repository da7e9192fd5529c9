import numpy as np
import pandas as pd
import pytest

from idc.config.schema.data import Audit
from idc.config.schema.option import options
from idc.data.audit.findings import FINDINGS
from idc.data.audit.policy import Policy
from idc.data.sources.tree import NotRead
from idc.errors import ConfigError, DataError

CHOICES = [name for name, finding in FINDINGS.items() if finding.always is None]
KEEP = {name: "keep" if FINDINGS[name].can_keep else "drop" for name in CHOICES}
INDEX = pd.DataFrame(
    {
        "path": ["a", "b", "c", "d"],
        "patient": ["1", "1", "2", "2"],
        "x": 0,
        "y": 0,
        "checks": ["", "ink", "ink,glass", "unreadable"],
        "problem": ["", "", "", "the file has 0 bytes"],
        "duplicate_of": "",
    }
)


def test_the_configuration_has_an_action_for_every_finding_with_a_choice() -> None:
    declared = {o.name: o.rule for o in options(Audit) if not o.name.startswith("limits.")}
    assert list(declared) == CHOICES
    for name, rule in declared.items():
        assert rule.holds("keep") == FINDINGS[name].can_keep
        assert rule.holds("drop")
        assert rule.holds("fail")


def test_only_what_cannot_be_used_is_dropped_when_all_is_kept() -> None:
    decisions = Policy(KEEP).decide(INDEX)
    assert decisions.keep.tolist() == [True, True, True, False]
    table = decisions.table.set_index("finding")
    assert list(table.index) == list(FINDINGS)
    assert table.loc["ink", ["patches", "patients", "dropped"]].tolist() == [2, 2, 0]
    assert table.loc["unreadable", ["patches", "patients", "dropped"]].tolist() == [1, 1, 1]
    assert decisions.notes() == {"unreadable: dropped": 1, "glass: kept": 1, "ink: kept": 2}
    Policy(KEEP).refuse(INDEX, "root")


def test_what_does_not_apply_to_a_set_is_not_listed() -> None:
    policy, index = Policy(KEEP, h_and_e=False), INDEX.drop(columns=["x", "y"])
    left_out = set(FINDINGS) - set(policy.decide(index).table["finding"])
    assert left_out == {"overlap", "ink", "glass", "near_grey", "near_white"}


def test_what_cannot_be_used_is_never_kept() -> None:
    keep = Policy({**KEEP, "unreadable": "fail"}).decide(INDEX).keep
    assert keep.tolist() == [True, True, True, False]


def test_dropping_one_finding_drops_its_rows() -> None:
    keep = Policy({**KEEP, "glass": "drop"}).decide(INDEX).keep
    assert keep.tolist() == [True, True, False, False]


def test_fail_names_files_reason_and_remedy() -> None:
    with pytest.raises(DataError) as caught:
        Policy({**KEEP, "unreadable": "fail", "ink": "fail"}).refuse(INDEX, "/data")
    text = str(caught.value)
    for word in ("/data", "d (the file has 0 bytes)", "audit.unreadable=drop", "b\n", "ink: 2"):
        assert word in text
    assert "audit.unreadable=keep" not in text
    assert "audit.ink=keep|drop" in text


def test_many_files_are_not_all_listed() -> None:
    many = pd.DataFrame({"path": [f"p{i:02d}" for i in range(30)], "patient": "1", "checks": "ink"})
    with pytest.raises(DataError, match="and 25 more") as caught:
        Policy({**KEEP, "ink": "fail"}).refuse(many, "root")
    assert "p05" not in str(caught.value)


def test_every_finding_needs_an_action_and_no_other_has_one() -> None:
    for wrong in ({**KEEP, "inc": "keep"}, {k: v for k, v in KEEP.items() if k != "ink"}):
        with pytest.raises(ConfigError, match=r"audit\.(inc: there is no such|ink: it has no)"):
            Policy(wrong)
    Policy({**KEEP, "limits": {"white": 0.9}})
    with pytest.raises(ConfigError, match=r"audit\.limits\.wite: there is no such limit"):
        Policy({**KEEP, "limits": {"wite": 0.9}})


def test_what_a_review_excludes_is_dropped_and_stops_nothing() -> None:
    policy = Policy({**KEEP, "ink": "fail", "unreadable": "fail"})
    checks = ["", "ink,excluded", "relabelled", "excluded"]
    index = INDEX.assign(checks=checks)
    policy.refuse(index, "root")
    decisions = policy.decide(index)
    assert decisions.keep.tolist() == [True, False, True, False]
    assert decisions.notes()["relabelled: kept"] == 1
    assert decisions.notes()["excluded: dropped"] == 2
    with pytest.raises(DataError, match="ink: 1"):
        policy.refuse(index.assign(checks=["ink", *checks[1:]]), "root")


def test_an_empty_index_has_no_findings() -> None:
    decisions = Policy(KEEP).decide(INDEX.iloc[:0])
    assert decisions.keep.shape == (0,)
    assert decisions.table["patches"].sum() == 0
    assert decisions.notes() == {}
    assert decisions.keep.dtype == np.bool_


NOT_READ = (NotRead("too deep", 60, ("1/0/x/a.png",)), NotRead("no image", 2, ("b.txt", "c.txt")))


def test_what_was_not_read_is_counted_and_refused_by_name() -> None:
    decisions = Policy(KEEP).decide(INDEX, NOT_READ)
    assert decisions.keep.tolist() == [True, True, True, False]
    table = decisions.table.set_index("finding")
    assert table.loc["not_read", ["patches", "patients", "dropped"]].tolist() == [62, 0, 62]
    assert decisions.notes()["not_read: dropped"] == 62
    Policy(KEEP).refuse(INDEX, "root", NOT_READ)
    with pytest.raises(DataError) as caught:
        Policy({**KEEP, "not_read": "fail"}).refuse(INDEX, "root", NOT_READ)
    for word in ("not_read: 62", "60 x too deep (1/0/x/a.png, ...)", "2 x no image (b.txt, c.txt)"):
        assert word in str(caught.value)
    assert "audit.not_read=drop" in str(caught.value)
    Policy({**KEEP, "not_read": "fail"}).refuse(INDEX, "root")


def test_what_the_archive_is_published_with_does_not_stop_the_work() -> None:
    index = INDEX.assign(checks="odd_mode")
    with pytest.raises(DataError, match="odd_mode"):
        Policy({**KEEP, "odd_mode": "fail"}).refuse(index, "root")
    policy = Policy({**KEEP, "odd_mode": "fail"}, of_archive=("odd_mode",))
    policy.refuse(index, "root")
    assert policy.decide(index).table.set_index("finding").loc["odd_mode", "patches"] == len(index)
