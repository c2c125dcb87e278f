"""The engine groups the runs of a grid into tasks, chooses the executor, and reports the progress of all runs."""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from landvote.errors import SettingError, nearest
from landvote.experiments.runs import RunPlan
from landvote.experiments.work import Workspace
from landvote.runtime.events import RunsProgressed
from landvote.runtime.executor import Executor, choose_executor

_ENGINES = ("local", "ray", "none")
_LEAST_LEFT = 0.05  # of its expected minutes a begun run still takes, at least


def tasks(plans: Sequence[RunPlan]) -> list[list[RunPlan]]:
    """Return runs in tasks, those that share their votes in one, the smallest trainings first: a first answer soon."""
    together: dict[str, list[RunPlan]] = defaultdict(list)
    for plan in plans:
        together[plan.votes].append(plan)
    return sorted(together.values(), key=lambda task: task[0].films)


def choose_engine(name: str, at_most: int = 0) -> Executor | None:
    """Return the executor of ``local`` or ``ray``, for so many tasks at most; None for ``none``: others do the work.

    Raises:
        SettingError: there is no such engine.
    """
    if name not in _ENGINES:
        raise SettingError(f"engine {name!r}: expected {', '.join(_ENGINES)}{nearest(name, _ENGINES)}")
    return None if name == "none" else choose_executor(name, at_most)


def progress(plans: Sequence[RunPlan], workspace: Workspace) -> RunsProgressed:
    """Return how far all runs are, as their files say, whichever process works on them.

    An unfinished run is expected to take as long as finished ones of its method and size did on average; of its method,
    where there is none; of any.
    """
    taken: dict[object, list[float]] = defaultdict(list)
    unfinished = []
    for plan in plans:
        if workspace.finished(plan):
            minutes = float(_read(workspace.record(plan))["minutes"])
            for like in ((plan.method, plan.size), plan.method, None):
                taken[like].append(minutes)
        else:
            unfinished.append(plan)
    spent, left = sum(taken[None]), 0.0
    for plan in unfinished:
        expected = taken[plan.method, plan.size] or taken[plan.method] or taken[None]
        each = sum(expected) / len(expected) if expected else math.nan
        begun = float(_read(workspace.unfinished(plan) / "progress.json").get("seconds", 0)) / 60
        spent += begun
        left += max(each - begun, _LEAST_LEFT * each)
    done = len(plans) - len(unfinished)
    share = spent / (spent + left) if spent and taken[None] else done / max(len(plans), 1)
    return RunsProgressed(done, len(plans), share, left)


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
