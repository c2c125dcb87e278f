"""A Ray cluster of several nodes of one core each, all of them on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SOON = '{"health_check_initial_delay_ms": 0, "health_check_period_ms": 500}'  # notice soon that a node is gone
_NODE = (
    "--block",
    "--num-cpus=1",
    "--object-store-memory=80000000",
    "--min-worker-port=0",
    "--max-worker-port=0",
    "--disable-usage-stats",
)
_PATIENCE = 120.0  # seconds until a node has started, on a busy machine
_FIRST = 2  # each node has an address of its own; 127.0.0.1 would be taken for that of the machine in its network
_ASK = """
import sys, time, ray
ray.init(logging_level="ERROR")
while sum(node["Alive"] for node in ray.nodes()) < int(sys.argv[1]):
    time.sleep(0.1)
"""


class Node:
    """A node, and all its processes."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        ray = Path(sys.executable).with_name("ray")
        self.process = subprocess.Popen(
            [ray, "start", *_NODE, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )

    def kill(self) -> None:
        """End the node as if its power were cut."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def cluster(nodes: int) -> Iterator[tuple[dict[str, str], list[Node]]]:
    """Yield the environment of programs that use the cluster, and its nodes, the head first."""
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: a socket's path has at most some hundred characters
    with socket.socket() as free:
        free.bind((f"127.0.0.{_FIRST}", 0))
        port = free.getsockname()[1]
    address = f"127.0.0.{_FIRST}:{port}"
    environment = os.environ | {
        "RAY_ADDRESS": address,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_worker_niceness": "0",  # or tasks give way to whatever else runs
    }
    started: list[Node] = []

    def start(*arguments: str) -> None:
        started.append(Node(environment, f"--node-ip-address=127.0.0.{_FIRST + len(started)}", *arguments))
        until = time.monotonic() + _PATIENCE
        while len(set(folder.glob("session_2*/sockets/raylet*"))) < len(started):  # two at once take the same name
            if started[-1].process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"node {len(started)} did not start")
            time.sleep(0.1)

    try:
        start(
            "--head", f"--port={port}", f"--temp-dir={folder}", "--include-dashboard=false", f"--system-config={_SOON}"
        )
        for _ in range(nodes - 1):
            start(f"--address={address}")
        # asked by another process, so that this one stays free of Ray
        asking = [sys.executable, "-c", _ASK, str(nodes)]
        subprocess.run(asking, env=environment, check=True, timeout=_PATIENCE)
        yield environment, started
    finally:
        for node in reversed(started):
            node.kill()
        shutil.rmtree(folder, ignore_errors=True)
