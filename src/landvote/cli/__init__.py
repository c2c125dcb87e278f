"""The command line: the verbs, their flags, and how a terminal shows events. The only place that knows flags."""

from landvote.cli.entry import app, main

__all__ = ["app", "main"]
