"""The localiser: stages from coarse to fine, each a placing, a voter, a choice and a search; fitting, and locating."""

from landvote.localiser.conditions import Conditions
from landvote.localiser.fit import fit_localiser
from landvote.localiser.judging import Fitted, recalibrated
from landvote.localiser.localiser import Localiser
from landvote.localiser.stage import Stage, StageSettings

__all__ = ["Conditions", "Fitted", "Localiser", "Stage", "StageSettings", "fit_localiser", "recalibrated"]
