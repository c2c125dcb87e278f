"""The trainer's process: what it says, how it is ended, and that it ends with its server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from landvote.review.learning.trainer import COMMAND, Trainer, said

pytestmark = pytest.mark.slow


def wait(there):
    until = time.monotonic() + 60
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


def python(text, log):
    return Trainer([sys.executable, "-u", "-c", textwrap.dedent(text)], ["a word"], log)


def test_what_it_prints_is_kept_and_its_last_error_is_told(tmp_path):
    trainer = python("import sys; print('begins', sys.argv[1]); sys.exit('landvote: no films, expected some')",
                     tmp_path / "log")  # fmt: skip
    wait(lambda: not trainer.running)
    assert said(tmp_path / "log") == ["begins a word", "landvote: no films, expected some"]
    assert trainer.error() == "no films, expected some"
    assert (trainer.stopped, trainer.killed) == (False, False)
    trainer.stop()
    assert not trainer.stopped


def test_it_is_ended_with_the_processes_that_it_has_started_also_if_it_does_not_want_to(tmp_path):
    trainer = python(
        """
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print(child.pid)
        time.sleep(60)
        """,
        tmp_path / "log",
    )
    wait(lambda: said(tmp_path / "log"))
    trainer.stop()
    assert not trainer.running
    assert (trainer.stopped, trainer.killed) == (True, False)
    child = int(said(tmp_path / "log")[0])
    wait(lambda: not alive(child))


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").split()[2] != "Z"
    except OSError:
        return False


def test_one_that_the_system_ends_says_so(tmp_path):
    trainer = python("import time; print('here'); time.sleep(60)", tmp_path / "log")
    wait(lambda: said(tmp_path / "log"))
    os.kill(trainer._process.pid, signal.SIGKILL)
    wait(lambda: not trainer.running)
    assert trainer.killed
    trainer.stop()
    assert trainer.killed


def test_it_is_landvote_and_ends_with_a_status_of_its_own(tmp_path):
    trainer = Trainer(COMMAND, ["describe", str(tmp_path)], tmp_path / "log")
    wait(lambda: not trainer.running)
    assert "expected a finished model" in trainer.error()
    trainer.stop()
    trainer = Trainer(COMMAND, ["--version"], tmp_path / "log")
    wait(lambda: not trainer.running)
    assert trainer.error() == ""
    assert said(tmp_path / "log")[0].startswith("landvote ")
    trainer.stop()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")
def test_it_ends_when_its_server_is_killed(tmp_path):
    server = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from landvote.review.learning.trainer import COMMAND, Trainer
        folder = Path({str(tmp_path)!r})
        trainer = Trainer(COMMAND, ["simulate", str(folder / "films"), "--films", "100000"], folder / "log")
        print(trainer._process.pid, flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", server], stdout=subprocess.PIPE)
    trainer = int(process.stdout.readline())
    assert alive(trainer)
    process.kill()
    process.communicate()
    wait(lambda: not alive(trainer))
