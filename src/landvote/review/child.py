"""A process of landvote that a server starts: it gives way to others, and ends with its server, however that ends.

``python -m landvote.review.child WORDS`` is ``landvote WORDS`` until its standard input ends: the server holds the
other end of that, and the system closes it if the server is killed.
"""

import os
import runpy
import threading

_NICE = 10


def _end_with_the_server() -> None:
    while os.read(0, 1):  # not by sys.stdin, whose lock a process needs that ends
        pass
    os._exit(4)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(_NICE)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    runpy.run_module("landvote", run_name="__main__")
