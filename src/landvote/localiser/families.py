"""All that a stage can be made of. A new placing, voter, choice or search is one new file and one line here."""

from landvote.forests.settings import ForestSettings
from landvote.frames.placings import (
    FilmSettings,
    OutlineSettings,
    PlacingSettings,
    ReferenceSettings,
    RepeatSettings,
    RowSettings,
    SpanSettings,
)
from landvote.localiser.choice import ChoiceSettings
from landvote.localiser.levels import LevelSearch
from landvote.localiser.peaks import PeakSettings
from landvote.localiser.plausible import PlausibleSettings
from landvote.localiser.poses import PoseSearch
from landvote.localiser.row import RowSearch
from landvote.localiser.search import SearchSettings
from landvote.networks.settings import NetworkSettings
from landvote.runtime.settings import Family
from landvote.votes import VoterSettings

PLACINGS: Family[PlacingSettings] = Family(
    "placing", FilmSettings, ReferenceSettings, RepeatSettings, RowSettings, SpanSettings, OutlineSettings
)
VOTERS: Family[VoterSettings] = Family("voter", NetworkSettings, ForestSettings)
CHOICES: Family[ChoiceSettings] = Family("choice", PeakSettings, PlausibleSettings)
SEARCHES: Family[SearchSettings] = Family("search", PoseSearch, RowSearch, LevelSearch)
