"""Tasks on processes: each done once, in spite of processes that are killed; errors and unknown engines are told."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from landvote.errors import DataError, MissingExtraError, SettingError, TrainingError, WorkerError
from landvote.runtime import executor
from landvote.runtime.executor import Job, choose_executor, in_processes, relayed
from landvote.runtime.stop import StopToken

pytestmark = pytest.mark.slow


def note(task, folder, die_at=(), always=False):
    """Write the task's name into a file of this process's, unless it is to be killed there (the first time)."""
    first = folder / f"died-{task}"
    if task in die_at and (always or not first.exists()):
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with (folder / f"done-{os.getpid()}").open("a") as file:
        file.write(f"{task}\n")
    return task


def refuse(task):
    if task == 2:
        raise TrainingError("no")
    return task


def threads(_task):
    return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")}


def job(function, folder, count=8):
    return Job(function, iter(range(count)), count, (), folder)


def test_every_task_once_and_by_more_than_one_process(tmp_path):
    assert sorted(in_processes(job(partial(note, folder=tmp_path), tmp_path, 20), 2)) == list(range(20))
    notes = [f.read_text().split() for f in tmp_path.glob("done-*")]
    assert len(notes) <= 2
    assert sorted(int(task) for own in notes for task in own) == list(range(20))


def test_each_process_has_one_thread(tmp_path):
    (found,) = choose_executor("local", 4)(job(threads, tmp_path, 1))
    assert set(found.values()) == {"1"}


def test_no_task_is_no_process(tmp_path):
    assert list(in_processes(job(note, tmp_path, 0))) == []


def test_a_killed_process_is_replaced(tmp_path):
    found = in_processes(job(partial(note, folder=tmp_path, die_at=(3,)), tmp_path), 2)
    assert sorted(found) == list(range(8))
    assert (tmp_path / "died-3").exists()


def test_processes_killed_again_and_again_are_an_error(tmp_path):
    dying = job(partial(note, folder=tmp_path, die_at=(3,), always=True), tmp_path)
    with pytest.raises(WorkerError, match="killed 4 times"):
        list(in_processes(dying, 1))


def test_what_a_task_raises_is_raised(tmp_path):
    with pytest.raises(TrainingError, match="no"):
        list(in_processes(job(refuse, tmp_path), 1))


def test_an_unknown_engine(tmp_path):
    with pytest.raises(SettingError, match="engine 'rya': expected local or ray; did you mean 'ray'"):
        choose_executor("rya")


def test_without_ray_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"^engine ray needs ray, .*pip install 'landvote\[cluster\]'$"):
        choose_executor("ray")


def test_a_parent_that_is_gone_is_known(monkeypatch):
    assert executor._lives(os.getppid())
    assert not executor._lives(os.getppid() + 1)


def test_a_parent_that_is_gone_is_known_where_its_number_stays(monkeypatch):
    """As on Windows: multiprocessing has a handle to the parent."""
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    running = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    monkeypatch.setattr(executor, "_WINDOWS", True)
    ended.wait()
    for process, lives in ((ended, False), (running, True)):
        parent = multiprocessing.process._ParentProcess("parent", process.pid, process.stdout.fileno())
        monkeypatch.setattr(multiprocessing, "parent_process", lambda parent=parent: parent)
        assert executor._lives(os.getppid()) is lives
    running.communicate()
    ended.stdout.close()


def test_a_machine_that_does_not_see_the_folder_or_has_another_version():
    version = executor.version("landvote")
    assert executor._visit(refuse, 1, (Path(),), version) == 1
    with pytest.raises(DataError, match=r"nowhere: not to be seen on .*, expected a folder that all machines share"):
        executor._visit(refuse, 1, (Path("nowhere"),), version)
    with pytest.raises(SettingError, match=r"has landvote .*, expected 0.0.0"):
        executor._visit(refuse, 1, (), "0.0.0")


def wait_for(task, stop, folder):
    """Note that the task has begun, and wait until it is to stop."""
    (folder / f"begun-{task}").touch()
    end = time.monotonic() + 60
    while not stop.stopped:
        assert time.monotonic() < end
        time.sleep(0.05)
    return task


def test_a_stop_in_this_process_reaches_tasks_in_others(tmp_path):
    stop = StopToken()

    def when_begun():
        while not (tmp_path / "begun-0").exists():
            time.sleep(0.05)
        stop.stop()

    thread = threading.Thread(target=when_begun)
    thread.start()
    with relayed(stop, tmp_path) as token:
        assert list(in_processes(job(partial(wait_for, stop=token, folder=tmp_path), tmp_path, 1), 1)) == [0]
    thread.join()
    assert not list(tmp_path.glob(".stop-*"))


def test_a_relayed_stop_has_the_earlier_time_and_no_file_of_a_process_that_was_killed(tmp_path):
    with relayed(StopToken(), tmp_path) as token:
        token.file.touch()
        left = token.file
    left.touch()
    with relayed(StopToken(time.time() + 60), tmp_path, time.time() - 1) as token:
        assert (token.file, left.exists(), token.stopped) == (left, False, True)
    with relayed(StopToken(), tmp_path) as token:
        assert not token.stopped


def interrupt(task):
    os.kill(os.getpid(), signal.SIGINT)
    return task


def test_ctrl_c_is_left_to_the_parent(tmp_path):
    assert list(in_processes(job(interrupt, tmp_path, 1), 1)) == [0]
