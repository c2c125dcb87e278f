"""The stop token: asked from a thread, a file or the clock; sent to another process it forgets threads alone."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time

import pytest

from landvote.errors import StoppedError
from landvote.runtime import stop
from landvote.runtime.stop import StopToken


def test_a_token_that_is_not_asked_lets_work_go_on(tmp_path):
    for token in (StopToken(), StopToken.after(None), StopToken.after(60.0), StopToken(file=tmp_path / "stop")):
        assert not token.stopped
        token.check()


def test_asked_it_raises_where_it_is_checked():
    token = StopToken()
    token.stop()
    token.stop()
    assert token.stopped
    with pytest.raises(StoppedError, match="the same call goes on from here"):
        token.check()


def test_it_is_asked_from_another_thread():
    token = StopToken()
    thread = threading.Thread(target=token.stop)
    thread.start()
    thread.join()
    assert token.stopped


def test_it_stops_at_a_time(monkeypatch):
    token = StopToken.after(2.0)
    assert token.until == pytest.approx(time.time() + 120, abs=30)
    monkeypatch.setattr(stop.time, "time", lambda: token.until - 0.01)
    assert not token.stopped
    monkeypatch.setattr(stop.time, "time", lambda: token.until)
    assert token.stopped


def test_another_process_stops_it_by_a_file(tmp_path):
    token = StopToken(file=tmp_path / "stop")
    subprocess.run([sys.executable, "-c", f"open({str(tmp_path / 'stop')!r}, 'w')"], check=True)
    assert token.stopped
    (tmp_path / "stop").unlink()
    assert not token.stopped


def test_sent_to_another_process_time_and_file_go_with_it(tmp_path):
    token = StopToken(123.0, tmp_path / "stop")
    token.stop()
    copy = pickle.loads(pickle.dumps(token))  # noqa: S301 - our own
    assert (copy.until, copy.file) == (123.0, tmp_path / "stop")
    assert copy.stopped  # long past
    fresh = StopToken()
    fresh.stop()
    assert not pickle.loads(pickle.dumps(fresh)).stopped  # noqa: S301 - the same
