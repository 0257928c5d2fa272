"""Real processes: a hub that is killed, and what it had started."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

CHILD = """\
import signal
from sandlot_hub.adapters.orphans import end_with_parent
end_with_parent()
print("ready", flush=True)
signal.pause()
"""
PARENT = f"""\
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdout=subprocess.PIPE,
                         start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")
def test_a_process_ends_with_the_one_that_started_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        try:
            parent.send_signal(signal.SIGKILL)
            parent.wait(10)
            ended, _, _ = select.select([child], (), (), 10)
            assert ended
        finally:
            os.close(child)
