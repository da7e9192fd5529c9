"""A process whose parent is gone ends too, and has the time to close what is open."""

import os
import subprocess
import sys
import time
from pathlib import Path

from conftest import PATIENCE

CHILD = """
import signal, sys, time
from pathlib import Path
from idc.runtime import orphans
orphans.POLL = 0.01
def close(number, frame):
    Path(sys.argv[1]).write_text("closed")
    sys.exit()
signal.signal(signal.SIGTERM, close)
orphans.end_with_launcher()
print("ready", flush=True)
time.sleep(600)
"""
PARENT = """
import os, subprocess, sys
env = {**os.environ, "IDC_LAUNCHED": str(os.getpid())}
child = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], env=env, stdout=subprocess.PIPE)
child.stdout.readline()
os._exit(0)  # as if it was killed
"""


def test_the_child_of_a_killed_parent_closes_and_ends(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    subprocess.run([sys.executable, "-c", PARENT, CHILD, str(mark)], check=True, timeout=PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_process_that_nobody_launched_watches_nobody() -> None:
    from idc.runtime import orphans

    assert orphans.LAUNCHED not in os.environ
    before = orphans.end_with.cache_info().currsize
    orphans.end_with_launcher()
    assert orphans.end_with.cache_info().currsize == before
