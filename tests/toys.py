"""Toys that tests share: films of figures with their points, voters that see the truth, settings learned in a moment.

Three figures: the L is drawn, for what has to be learned from pixels; the cross is drawn into DATA folders, for the
command line; the box is not drawn at all, for voters that know where it is, so that only the rest is tested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from landvote.data.film import Spacing
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.forests.settings import ForestSettings
from landvote.formats.kinds.pts import write_pts as write_row
from landvote.formats.kinds.wide_csv import WideCsv
from landvote.formats.points import PointRow, PointTable
from landvote.frames import Augmentation, Frame, Reading, Views
from landvote.frames.placings import FilmPlacing, TrainingShapes
from landvote.localiser import Conditions, Localiser, StageSettings, fit_localiser
from landvote.localiser.families import CHOICES, PLACINGS, SEARCHES, VOTERS
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.recipes import Recipe, recipe
from landvote.runtime.settings import Family, Settings
from landvote.votes import Estimate, Lesson, VoteMap, Voter, VoterSettings

FAMILIES: dict[str, Family[Any]] = {family.noun: family for family in (PLACINGS, VOTERS, CHOICES, SEARCHES)}


@contextmanager
def registered(family: Family[Any], *members: type[Settings]) -> Iterator[None]:
    """Have members in a family for a while, as a package of a user would for good."""
    for member in members:
        family.register(member)
    try:
        yield
    finally:
        for member in members:
            family.unregister(member)


# -- the L: drawn, to be learned from pixels --------------------------------------------------------------------------

ELL_CORNERS = np.array([[0, 0], [14, 0], [14, 36], [40, 36], [40, 50], [0, 50]], float)
ELL = Scheme.numbered(6).model_copy(update={"name": "L", "reference": (0, 4)})
ELL_SIZE = (48, 48)
STILL = Augmentation(rotation=(-5, 5), scale=0.05, shift=0.02, erase=0, mirror=False)


def ell(i: int, lines: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return film ``i``, a bright L somewhere on 96 x 96 pixels (or nothing but noise), and its six corners."""
    rng = np.random.default_rng(i)
    frame = Frame.similarity(rng.uniform(0.9, 1.2), rng.uniform(-0.1, 0.1), (20, 25), rng.uniform(38, 58, 2), (1, 1))
    x, y = np.meshgrid(np.arange(96.0), np.arange(96.0))
    inside = frame.to_image(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(96, 96, 2)
    u, v = inside[..., 0], inside[..., 1]
    bright = lines * ((u > 0) & (v > 0) & (v < 50) & ((u < 14) | ((u < 40) & (v > 36))))
    return (40 + 150 * bright + rng.uniform(0, 20, (96, 96))).astype(np.uint8), frame.to_grid(ELL_CORNERS)


def ell_sample(
    i: int,
    split: str | None = None,
    scheme: Scheme = ELL,
    missing: Iterable[int] = (),
    pointed: bool = True,
    opened: list[int] | None = None,
) -> Sample:
    """Return film ``i`` as a sample; two films each are of one patient. A test film must not be opened."""
    name = f"{i:02}.png"

    def open_film() -> Radiograph:
        if split == "test":
            raise AssertionError(f"test film {i} was opened")
        if opened is not None:
            opened.append(i)
        return Radiograph(ell(i)[0], name)

    points = ell(i)[1][: len(scheme)]
    points[list(missing)] = np.nan
    return Sample(name, open_film, scheme, {"": points} if pointed else {}, f"patient {i // 2}", split)


def ell_views(samples: Sequence[Sample], augmentation: Augmentation = STILL) -> Views:
    """Return views of whole L films."""
    looks = [(FilmPlacing(ELL_SIZE, 0.05, tuple(range(6))), augmentation, None)]
    return Reading(samples, looks).views()[0]


# -- settings that are learned in a moment ----------------------------------------------------------------------------

NETWORK: dict[str, Any] = {"width": 4, "depth": 2, "stride": 2, "head_width": 16, "k": 16, "sigma": 5,
                           "precision": "fp32"}  # fmt: skip
TRAINING: dict[str, Any] = {"steps": 80, "batch": 4, "rate": 0.01, "judge_every": 40, "average": 0.9}
FOREST: dict[str, Any] = {"trees": 4, "pool": 60, "patch": 12, "displacement": 10, "radius": 8, "views": 3, "jobs": 1}
VOTER_SETTINGS: dict[str, tuple[VoterSettings, Settings]] = {
    "network": (NetworkSettings(**NETWORK), TrainingSettings(**TRAINING | {"steps": 240, "judge_every": 120})),
    "forest": (
        ForestSettings(**FOREST | {"displacement": 12, "radius": 12, "patches": 6}),
        ForestSettings.training_settings(),
    ),
}
"""Of each voter: settings that learn the L, and how."""


def changes(stages: Iterable[str], table: dict[str, Any], part: str) -> list[str]:
    """Return a table of settings of one part of stages as changes to a recipe."""
    return [f"{stage}.{part}.{key}={value}" for stage in stages for key, value in table.items()]


def tiny_changes(name: str, size: int = 48, **training: object) -> list[str]:
    """Return the changes that make a recipe for the L or the cross small; how it works is not changed."""
    stages = {s.name: s for s in recipe(name, scheme=ELL).stages if s.name not in {"parts", "levels"}}
    made = []
    for stage, settings in stages.items():
        network = settings.voter.kind == "network"
        made += changes([stage], NETWORK if network else FOREST, "voter")
        made += changes([stage], TRAINING | training if network else {}, "training")
        fixed = {} if settings.placing.kind == "outline" else {"fit_aspect": "false"}
        made += changes([stage], {"size": [size, size]} | fixed, "placing")
        made.append(f"{stage}.augmentation.rotation=[-5, 5]")
        made += [f"{stage}.search.keep=3"] if settings.search.keep > 3 else []
    return made


def tiny(name: str = "whdv", *more: str, **training: object) -> Recipe:
    """Return a shipped recipe made small, with more changes."""
    return recipe(name, [*tiny_changes(name, **training), "left_out=0", *more], ELL)


def tiny_words(name: str = "whdv", size: int = 32, **training: object) -> list[str]:
    """Return the words of the command line that make a recipe small, for six steps if nothing else is said."""
    short = {"steps": 6, "batch": 2, "judge_every": 3} | training
    changes = (*tiny_changes(name, size, **short), "validation=0.3", "left_out=0")
    return [word for change in changes for word in ("--set", change)]


# -- point files ------------------------------------------------------------------------------------------------------


def write_wide_csv(path: Path, rows: Iterable[tuple[str, str | None, np.ndarray]]) -> None:
    """Write (image, annotator, points) rows as a wide CSV."""
    WideCsv().write(path, PointTable.numbered((image, annotator or "", points) for image, annotator, points in rows))


def write_pts(path: Path, points: np.ndarray) -> None:
    """Write points as a ``.pts`` file, as they are."""
    write_row(path, PointRow("", "", points))


# -- the cross: drawn into DATA folders, for the command line ---------------------------------------------------------


def draw_crosses(folder: Path, names: Sequence[str], missing: Callable[[int], Iterable[int]] = lambda _: ()) -> Path:
    """Make a DATA folder: on each film a cross, its middle and four ends as landmarks, those ``missing`` left out."""
    rows = []
    (folder / "images").mkdir(parents=True)
    for i, name in enumerate(names):
        x, y = np.random.default_rng(i).integers(30, 50, 2)
        grey = np.full((80, 90), 30, np.uint8)
        grey[y - 18 : y + 19, x - 2 : x + 3] = grey[y - 2 : y + 3, x - 14 : x + 15] = 200
        Image.fromarray(grey).save(folder / "images" / name)
        ends = np.array([[x, y], [x, y - 18], [x + 14, y], [x, y + 18], [x - 14, y]], float)
        ends[list(missing(i))] = np.nan
        rows.append((name, None, ends))
    write_wide_csv(folder / "landmarks.csv", rows)
    return folder


def dicom(pixels: np.ndarray, **attributes: object) -> Dataset:
    """Return a data set of one film, stored as it is, with further attributes by their keywords."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    ds = Dataset()
    ds.file_meta = meta
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = meta.MediaStorageSOPClassUID, generate_uid(), "CR"
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = 12 if ds.BitsAllocated == 16 else 8
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(pixels.dtype.kind == "i")
    ds.PixelData = pixels.tobytes()
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


# -- points alone, for placings ---------------------------------------------------------------------------------------

HEXAGON = np.array([[0, 0], [60, 5], [55, 140], [-10, 130], [20, 70], [40, 90]], float)
SQUARE = [(900, 900)] * 60  # films of any number of patches
SPINE_PARTS = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(5))


def scattered(count: int = 40, shape: np.ndarray = HEXAGON, seed: int = 0, jitter: float = 4.0) -> list[np.ndarray]:
    """Return the shape at random places, sizes and angles, each point displaced a little."""
    rng = np.random.default_rng(seed)
    return [
        Frame.similarity(
            rng.uniform(0.7, 1.6), rng.uniform(-0.4, 0.4), (0, 0), rng.uniform(200, 600, 2), (1, 1)
        ).to_grid(shape + rng.normal(0, jitter, shape.shape))
        for _ in range(count)
    ]


def spine(count: int = 20, parts: int = 5, seed: int = 0, jitter: float = 1.5) -> list[np.ndarray]:
    """Return rows of parts of four points."""
    rows = [(x, y + 45 * g) for g in range(parts) for x, y in ((0, 0), (50, 0), (0, 30), (50, 30))]
    return scattered(count, np.array(rows, float), seed, jitter)


def films_of(training: list[np.ndarray]) -> list[tuple[int, int]]:
    """Return films that end a little below the row, as people frame them."""
    return [(900, round(points[-1, 1] + 60 + 8 * i % 3)) for i, points in enumerate(training)]


def shapes_of(
    points: list[np.ndarray], films: list[tuple[int, int]], reference: tuple[int, ...] = (),
    parts: tuple[tuple[int, ...], ...] = (), multiple: int = 1,
) -> TrainingShapes:  # fmt: skip
    """Return what a placing is fitted to."""
    scheme = Scheme.numbered(len(points[0])).model_copy(update={"repeats": parts})
    return TrainingShapes(scheme, reference, points, films, multiple)


# -- the box: not drawn at all, for voters that see the truth ---------------------------------------------------------

BOX_SHAPE = np.array([[0, 0], [60, 10], [50, 120], [-10, 110], [25, 60]], float)
BOX = Scheme(name="box", landmarks=("a", "b", "c", "d", "e"), file_points=5, columns=(0, 1, 2, 3, 4), reference=(0, 2))
SPACING = Spacing(0.2, 0.2, "test")


def box(i: int) -> tuple[tuple[int, int], np.ndarray]:
    """Return film ``i``: its size and its true points."""
    rng = np.random.default_rng(i)
    frame = Frame.similarity(
        rng.uniform(0.8, 1.6), rng.uniform(-0.3, 0.3), BOX_SHAPE.mean(axis=0), (200, 180), (1, 1)
    )  # fmt: skip
    return (380 + 10 * i, 400), frame.to_grid(BOX_SHAPE)


def box_sample(i: int, holes: Iterable[int] = (), scheme: Scheme = BOX) -> Sample:
    """Return film ``i`` as a sample; all its pixels are the same."""
    size, points = box(i)
    points = points[: len(scheme)]
    points[list(holes)] = np.nan
    name = f"{i}.png"
    return Sample(
        name, lambda: Radiograph(np.full(size[::-1], i, np.uint8), name, SPACING), scheme, {"": points}
    )  # fmt: skip


def votes_at(points: np.ndarray, size: tuple[int, int]) -> VoteMap:
    """Return one vote for each point of a grid of ``size``, split over four cells; none for a point beside it."""
    votes = np.zeros((len(points), size[1], size[0]), np.float32)
    for p, (x, y) in enumerate(points):
        if np.isfinite(x + y):
            u, v = int(np.floor(x)), int(np.floor(y))
            for i, j in ((u, v), (u + 1, v), (u, v + 1), (u + 1, v + 1)):
                if 0 <= j < size[1] and 0 <= i < size[0]:
                    votes[p, j, i] = (1 - abs(x - i)) * (1 - abs(y - j))
    return VoteMap(votes, 1, 1.5)


@dataclass(frozen=True)
class Eyes(Voter):
    """Votes by a function of the view, and remembers the views."""

    see: Callable[[Any], VoteMap]
    looked: list[Any] = field(default_factory=list)

    @property
    def computed_on(self) -> str:
        return "eyes"

    def vote(self, view):
        self.looked.append(view)
        return self.see(view)

    def save(self, folder: Path) -> list[Path]:  # noqa: ARG002
        return []


@dataclass(frozen=True)
class Seer(Voter):
    """Votes for where the landmarks of a box really are, a little off; remembers what it was given."""

    settings: SeerSettings
    targets: tuple[tuple[int, ...], ...]
    lesson: Lesson | None = None
    looked: list[Any] = field(default_factory=list)

    @property
    def computed_on(self) -> str:
        return "eyes"

    def truth(self, view) -> np.ndarray:
        """Return the true points of the target that lies nearest to the middle of the view, on its grid."""
        points = view.frame.to_grid(box(int(view.identifier.removesuffix(".png")))[1])
        middle = (np.array(view.frame.size) - 1) / 2
        return min(
            (points[list(t)] for t in self.targets), key=lambda p: float(np.linalg.norm(p.mean(axis=0) - middle))
        )

    def vote(self, view):
        self.looked.append(view)
        seen = self.truth(view) + self.settings.off
        seen[list(self.settings.blind)] = np.nan
        return votes_at(seen, view.frame.size)

    def save(self, folder: Path) -> list[Path]:
        (folder / "seer.json").write_text(json.dumps(self.targets))
        return [folder / "seer.json"]


class SeerTraining(Settings):
    """Nothing is to be set."""


class SeerSettings(VoterSettings):
    """A voter of boxes.

    Attributes:
        blind: landmarks of its target that it does not see.
        off: how far it votes beside the truth, grid cells.
    """

    training_settings: ClassVar[type[Settings]] = SeerTraining
    kind: Literal["seer"] = "seer"
    blind: tuple[int, ...] = ()
    off: tuple[float, float] = (0.0, 0.0)

    def check(self, size):
        pass

    def together(self):
        return nullcontext()

    def prepare_process(self):
        pass

    def fit(self, training, lesson):  # noqa: ARG002
        """Learn which landmarks it is for: those nearest to the points of the views."""
        targets = set()
        for view in (lesson.views.plain(i) for i in range(len(lesson.views.working))):
            truth = view.frame.to_grid(box(int(view.identifier.removesuffix(".png")))[1])
            if np.isfinite(view.points).all():
                away = np.linalg.norm(truth[None] - view.points[:, None], axis=2)
                targets.add(tuple(away.argmin(axis=1).tolist()))
        return Seer(self, tuple(sorted(targets)), lesson)

    def estimate(self, training, lesson, films, held_out):  # noqa: ARG002
        return Estimate(0.0, 0.0)

    def load(self, folder, landmarks, device):  # noqa: ARG002
        targets = tuple(map(tuple, json.loads((folder / "seer.json").read_text())))
        assert {len(t) for t in targets} == {landmarks}
        return Seer(self, targets)


GLOBAL = StageSettings(
    name="global",
    placing={"kind": "film", "find": "reference", "size": (64, 64), "border": 0.1},
    voter=SeerSettings(),
)
LOCAL = StageSettings(
    name="local",
    placing={"kind": "reference", "size": (96, 96), "border": 0.15},
    voter=SeerSettings(),
    search={"kind": "poses", "rounds": 2},
)


def fitted(
    folder: Path,
    *stages: StageSettings,
    training: Iterable[Any] = range(6),
    validation: Iterable[Any] = range(6, 9),
    scheme: Scheme = BOX,
    left_out: Sequence[Collection[str]] = (),
    **conditions: Any,
) -> Localiser:
    """Return a localiser of seers, of the two stages above if none are given; films are numbers, or samples."""
    films = [
        [one if isinstance(one, Sample) else box_sample(one, scheme=scheme) for one in some]
        for some in (training, validation)
    ]
    under = Conditions(**conditions)
    return fit_localiser(scheme, stages or (GLOBAL, LOCAL), *films, folder, under, left_out).localiser


def voter_of(localiser: Localiser, name: str) -> Any:
    """Return the voter of a stage."""
    return next(stage.look.voter for stage in localiser.stages if stage.settings.name == name)


def with_look(localiser: Localiser, name: str, **parts: object) -> Localiser:
    """Return the localiser with other parts, such as a voter, in the look of one stage."""
    stages = [
        replace(stage, look=replace(stage.look, **parts)) if stage.settings.name == name else stage
        for stage in localiser.stages
    ]
    return replace(localiser, stages=tuple(stages))
