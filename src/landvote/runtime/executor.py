"""Executors run tasks in many processes: of this machine by joblib's loky, of a cluster by Ray; one thread per task.

A task has to be safe to repeat: an executor gives a task whose process or machine is lost to another process. The files
that a task writes are its result; its return value is for progress and messages. A task that is to stop soon looks at a
:class:`landvote.runtime.stop.StopToken`, which travels with its function, and returns.
"""

import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, Protocol, TypeVar

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.process_executor import TerminatedWorkerError

from landvote.errors import DataError, LandvoteError, SettingError, WorkerError, nearest
from landvote.runtime.extras import require
from landvote.runtime.processors import processors
from landvote.runtime.stop import StopToken

Task = TypeVar("Task")
Result = TypeVar("Result")

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
_ONE_THREAD = dict.fromkeys(_THREADS, "1")  # the last one is for forests, which are grown by threads of joblib's
_RETRIES = 3  # a machine may be lost, and another; what kills its process each time will do so again
_WINDOWS = os.name == "nt"
_ANSWERS = 10.0  # seconds in which a cluster's head has to
_RELAYED = 0.2  # seconds until a stop reaches other processes, at most
_WAITING = 1000  # tasks that wait at a cluster: it may grow with them, but they take memory


@dataclass(frozen=True)
class Job(Generic[Task, Result]):
    """Tasks, and the function that does one, which is sent to other processes with its arguments.

    Attributes:
        count: how many tasks there are.
        reads: files and folders that every process has to see.
        writes: folder that every process writes to, the same on all machines.
        gpus: graphics cards, or a share of one, that a task takes; a cluster hands them out.
    """

    function: Callable[[Task], Result]
    tasks: Iterable[Task]
    count: int
    reads: tuple[Path, ...]
    writes: Path
    gpus: float = 0.0


class Executor(Protocol):
    """Runs the tasks of a job, and yields the result of each as it ends, in any order."""

    def __call__(self, job: Job[Task, Result], /) -> Iterator[Result]:
        """Raise what a task raises, and WorkerError if a task is lost with its process again and again."""


def choose_executor(engine: str, at_most: int = 0) -> Executor:
    """Return the executor of ``local``, processes of this machine, or ``ray``, a Ray cluster.

    It runs ``at_most`` tasks at a time; 0: one per processor.

    Raises:
        SettingError: there is no such engine.
        MissingExtraError: Ray is asked for and not installed.
    """
    if engine == "local":
        return partial(in_processes, at_most=at_most)
    if engine == "ray":
        require("cluster", "engine ray")
        return partial(in_cluster, at_most=at_most)
    raise SettingError(f"engine {engine!r}: expected local or ray{nearest(engine, ('local', 'ray'))}")


@contextmanager
def relayed(stop: StopToken, folder: Path, until: float | None = None) -> Iterator[StopToken]:
    """Yield a token for tasks in other processes: they are asked to stop when ``stop`` is, by a file in ``folder``.

    Every process sees the folder. ``until`` is an earlier time at which the tasks are asked.
    """
    file = folder / f".stop-{socket.gethostname()}-{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # of a process of that number that was killed

    def relay() -> None:
        if stop.stopped:
            file.touch()

    try:
        with repeated(relay, _RELAYED):
            yield StopToken(stop.until if until is None else until, file)
    finally:
        file.unlink(missing_ok=True)


@contextmanager
def repeated(call: Callable[[], object], seconds: float) -> Iterator[None]:
    """Call a function every so many seconds, in a thread, while the body runs."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(seconds):
            call()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def in_processes(job: Job[Task, Result], at_most: int = 0) -> Iterator[Result]:
    """Run tasks in ``at_most`` processes of this machine (0: one per processor), each with one thread.

    One thread each, whatever the number of processes: sums in another order have other last digits, and a result must
    not depend on how busy a machine was. WorkerError is raised when processes were killed again and again.
    """
    if not job.count:
        return
    processes = min(at_most or processors(), job.count)
    todo = dict(enumerate(job.tasks))
    for _ in range(1 + _RETRIES):
        executor = get_reusable_executor(processes, env=_ONE_THREAD, initializer=_follow, initargs=(os.getpid(),))
        try:
            running = {executor.submit(job.function, task): number for number, task in todo.items()}
            for future in as_completed(running):
                result = future.result()
                del todo[running[future]]
                yield result
        except TerminatedWorkerError:  # which ends all the others, too
            continue
        else:
            return
        finally:
            executor.shutdown(wait=True, kill_workers=True)
    raise WorkerError(
        f"worker processes were killed {1 + _RETRIES} times, expected to live; is there enough memory for "
        f"{processes} of them? The same command goes on from here"
    )


@cache
def _follow(parent: int) -> None:
    """End this process as soon as its parent is gone. Leave Ctrl-C, which a terminal sends to both, to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while _lives(parent):
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _lives(parent: int) -> bool:
    """Say whether the parent of this process is there."""
    if _WINDOWS:  # where a process keeps the number of a parent that is gone
        started_by = multiprocessing.parent_process()
        return started_by is not None and started_by.is_alive()
    return os.getppid() == parent


def in_cluster(job: Job[Task, Result], at_most: int = 0) -> Iterator[Result]:
    """Run tasks in a Ray cluster, ``at_most`` at a time (0: as many as there is room for), each with one thread.

    The cluster is the one this process is connected to, the one at ``RAY_ADDRESS``, or the one running on this machine;
    where there is none, one is started on this machine, and stopped at the end.

    Raises:
        SettingError: there is nothing at ``RAY_ADDRESS``, or a machine has another landvote.
        DataError: a machine does not see the folders.
        WorkerError: a task was lost with its process or machine again and again; raised when all others are through.
    """
    if not job.count:
        return
    lost: list[str] = []
    running: list[Any] = []
    job.writes.mkdir(parents=True, exist_ok=True)
    with _cluster() as ray, tempfile.NamedTemporaryFile(prefix=".seen-", dir=job.writes) as mark:
        seen = (*job.reads, Path(mark.name))
        options = {"num_cpus": 1, "num_gpus": job.gpus, "max_retries": _RETRIES}
        remote = ray.remote(**options, runtime_env={"env_vars": _ONE_THREAD})(_visit)
        for task in job.tasks:
            running.append(remote.remote(job.function, task, seen, version("landvote")))
            if len(running) >= (at_most or _WAITING):
                yield from _returned(ray, running, lost)
        while running:
            yield from _returned(ray, running, lost)
    if lost:
        raise WorkerError(
            f"{len(lost)} of {job.count} tasks were lost {1 + _RETRIES} times with their process or machine, expected "
            f"to end ({lost[0]}); the same command goes on from here"
        )


@contextmanager
def _cluster() -> Iterator[ModuleType]:
    """Yield Ray, connected to a cluster; leave that at the end, unless this process had been connected before."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster started here sends no usage reports
    import ray  # noqa: PLC0415 - an extra, and slow to import

    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS", "auto")
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal() and "/" not in host:  # Ray itself would try for minutes
            socket.create_connection((host, int(port)), timeout=_ANSWERS).close()
        ray.init(logging_level=logging.WARNING)
    except (OSError, ValueError) as error:  # a ConnectionError, too
        raise SettingError(f"RAY_ADDRESS {address}: no Ray cluster there that lets us in ({error})") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _visit(function: Callable[[Task], Result], task: Task, seen: Iterable[Path], asked_by: str) -> Result:
    """Do a task on whatever machine this is, once it is known to see what the others see."""
    host = socket.gethostname()
    if (own := version("landvote")) != asked_by:
        raise SettingError(f"{host}: has landvote {own}, expected {asked_by} as on the machine that asks")
    for path in seen:
        if not path.exists():
            raise DataError(f"{path}: not to be seen on {host}, expected a folder that all machines share")
    return function(task)


def _returned(ray: ModuleType, running: list[Any], lost: list[str]) -> Iterator[Any]:
    """Wait for one task, and take it out of the running."""
    (done, *_), running[:] = ray.wait(running, num_returns=1)
    try:
        result = ray.get(done)
    except ray.exceptions.RayTaskError as error:  # raised by the task
        if isinstance(error.cause, LandvoteError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        lost.append(str(error).partition("\n")[0])
    else:
        yield result
