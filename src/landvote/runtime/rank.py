"""The rank of this process among those that train one model together; torchrun sets it, this module alone reads it."""

import os
from dataclasses import dataclass

_VARIABLES = {"RANK": 0, "WORLD_SIZE": 1, "LOCAL_RANK": 0}


@dataclass(frozen=True)
class Process:
    """One of several processes; without torchrun the only one.

    Attributes:
        rank: its number among all, from 0.
        size: how many there are, on all machines.
        local: its number among those on its machine: the GPU it takes.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def is_rank_zero(self) -> bool:
        """Whether this is the one that judges, writes and speaks; there is one."""
        return self.rank == 0


def this_process() -> Process:
    """Read the variables that torchrun, and whatever else starts torch on several machines, gives to each process."""
    return Process(*(int(os.environ.get(name, alone)) for name, alone in _VARIABLES.items()))
