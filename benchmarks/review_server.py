"""A review that benchmarks start in a process of its own, and speak to as the page does."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any


class Server:
    """``landvote review`` of a folder; it answers on loopback.

    Args:
        folder: of the films.
        more: further words of the command.
    """

    def __init__(self, folder: Path, *more: str) -> None:
        words = [sys.executable, "-m", "landvote", "review", str(folder), "--no-browser", "--port", "0", *more]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout or ():
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]+)", line):
                break
        else:
            raise SystemExit(f"the server of {folder} did not start")
        self.port, self.address = int(found[1]), found[0]
        headers = self.ask("GET", f"/?token={found[2]}")[1]
        self._cookie = str(headers["set-cookie"]).partition(";")[0]

    def ask(self, method: str, path: str, told: object = None) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and content of an answer; OSError or HTTPException if the server is gone."""
        host = f"127.0.0.1:{self.port}"
        sent = {"Host": host, "Origin": f"http://{host}", "Content-Type": "application/json"}
        if cookie := getattr(self, "_cookie", ""):
            sent["Cookie"] = cookie
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if told is None else json.dumps(told), sent)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def film(self, number: int, who: str) -> dict[str, Any]:
        """Return a person's film."""
        return json.loads(self.ask("GET", f"/api/films/{number}?who={who}")[2])  # type: ignore[no-any-return]

    def edit(self, number: int, who: str, revision: int, act: str, **changes: object) -> tuple[int, dict[str, Any]]:
        """Make an edit, and return the status and the film after it."""
        told = {"who": who, "revision": revision, "act": act, "changes": changes}
        status, _, content = self.ask("POST", f"/api/films/{number}/edits", told)
        return status, json.loads(content)

    def memory(self) -> float:
        """Return the resident memory of the server in MB; Linux only."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> None:
        """Ask the server to end, as Ctrl-C does, and wait."""
        self.process.send_signal(2)
        self.process.communicate(timeout=60)
