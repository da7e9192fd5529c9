"""The journal on the disk: whole whatever ends its process, and in one process's hands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PATIENCE
from idc.tracking.journal import ABOUT, ENTRIES, About, Journal, RunIds, orphaned_journals

OF_A_RUN = About("1", "sqlite:///x.db", "idc")


def steps(journal: Journal) -> list[int]:
    return [entry.fields["step"] for entry in journal.entries()]


def test_what_a_killed_process_wrote_is_there(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path\n"
        "from idc.tracking.journal import About, Journal\n"
        "journal = Journal.create(Path(sys.argv[1]), About('1', 'u', 'e'))\n"
        "[journal.append('metrics', step=i) for i in range(50)]\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=PATIENCE)
    (journal,) = orphaned_journals(tmp_path)
    assert steps(journal) == list(range(50))
    assert journal.abandoned


def test_a_line_that_was_cut_is_dropped(tmp_path: Path) -> None:
    first = Journal.create(tmp_path, OF_A_RUN)
    first.append("metrics", step=1)
    first.release()
    with (first.folder / ENTRIES).open("ab") as file:
        file.write(b'{"kind": "met')
    journal = Journal.take_over(first.folder)
    assert journal is not None
    journal.append("metrics", step=2)
    assert steps(journal) == [1, 2]


def test_delivered_entries_do_not_come_again(tmp_path: Path) -> None:
    first = Journal.create(tmp_path, OF_A_RUN)
    for step in range(3):
        first.append("metrics", step=step)
    first.confirm(first.entries()[:2])
    first.release()
    journal = Journal.take_over(first.folder)
    assert journal is not None
    assert steps(journal) == [2]
    journal.confirm(journal.entries())
    journal.append("end")
    journal.confirm(journal.entries())
    journal.close()
    assert not journal.folder.exists()


def test_a_journal_in_use_is_left_alone(tmp_path: Path) -> None:
    mine = Journal.create(tmp_path, OF_A_RUN)
    assert list(orphaned_journals(tmp_path)) == []
    mine.release()
    assert len(list(orphaned_journals(tmp_path))) == 1


def test_a_journal_that_was_torn_in_its_first_moment_is_none(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, OF_A_RUN)
    journal.release()
    (journal.folder / ABOUT).write_text('{"run"')
    assert list(orphaned_journals(tmp_path)) == []


def test_files_are_kept_as_they_were(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path / "journal", OF_A_RUN)
    page, weights = tmp_path / "page.html", tmp_path / "last.ckpt"
    page.write_text("then")
    weights.write_bytes(b"w" * 1000)
    kept = [journal.folder / journal.keep(path) for path in (page, weights)]
    page.write_text("now")
    assert kept[0].read_text() == "then"
    assert kept[1].stat().st_ino == weights.stat().st_ino  # gigabytes need not be copied
    journal.append("artifact", file=kept[0].relative_to(journal.folder).as_posix())
    journal.confirm(journal.entries())
    assert not kept[0].exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit of file sizes")
def test_a_full_disk_leaves_the_journal_whole(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from idc.tracking.journal import About, Journal\n"
        "journal = Journal.create(Path(sys.argv[1]), About('1', 'u', 'e'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "written = 0\n"
        "try:\n"
        "    while written < 1000: journal.append('metrics', step=written); written += 1\n"
        "except OSError: print(written)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    (journal,) = orphaned_journals(tmp_path)
    assert 5 < int(done.stdout) < 100
    assert steps(journal) == list(range(int(done.stdout)))


def test_a_provisional_id_becomes_a_runs(tmp_path: Path) -> None:
    ids = RunIds(tmp_path)
    assert ids.resolve("0123") == "0123"
    assert ids.resolve("local-1") is None
    ids.record("local-1", "0123")
    assert RunIds(tmp_path).resolve("local-1") == "0123"
