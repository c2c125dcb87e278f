"""Each kind of file that landvote writes, if changed in number, hash or keys, is refused by name."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest

from landvote.datasets.folder import read_folder
from landvote.errors import ModelError, PointsError, SettingError
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.localiser import Conditions, Localiser
from landvote.models import divide, load_model, train_model
from landvote.models.describe import describe_model
from landvote.models.films import read_films
from landvote.models.locate import locate_files
from landvote.models.shards import locate_shards
from toys import tiny

pytestmark = pytest.mark.slow


def here(job):
    """Run all tasks in this process."""
    return map(job.function, job.tasks)


@pytest.fixture(scope="module")
def written(tmp_path_factory, draw):
    """Write a file of each kind."""
    place = tmp_path_factory.mktemp("files")
    samples = read_folder(draw(place / "data", [f"{i}.png" for i in range(6)]))
    chosen = tiny("whdv", "validation=0.34", steps=3)
    train_model(divide(samples, chosen), chosen, place / "model", Conditions(device="cpu"))
    localiser = load_model(place / "model", "cpu")
    write_predictions(place / "p.jsonl", locate_files(localiser, [place / "data"], None))
    locate_shards(place / "model", [place / "data"], place / "shards", 4, here, "cpu")
    return place


@pytest.fixture
def place(written, tmp_path):
    return shutil.copytree(written, tmp_path / "copy")


def change(file, **values):
    """Change keys of the first JSON object in a file; None takes a key out."""
    first, _, rest = file.read_text().partition("\n") if file.suffix == ".jsonl" else (file.read_text(), "", "")
    told = {k: v for k, v in (json.loads(first) | values).items() if v is not None}
    file.write_text(json.dumps(told) + f"\n{rest}")


READERS = {
    "p.jsonl": lambda place: read_predictions(place / "p.jsonl"),
    "shards/shards.json": lambda place: read_predictions(place / "shards"),
    "shards/predictions-00000.jsonl": lambda place: read_predictions(place / "shards"),
    "model/model.json": lambda place: load_model(place / "model", "cpu"),
    "model/localiser.json": lambda place: Localiser.load(place / "model", "cpu"),
    "model/training.json": lambda place: describe_model(place / "model"),
}  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_as_it_was_written_it_is_read(place, name):
    assert json.loads((place / name).read_text().split("\n{", 1)[0]).get("format", 3) == 3
    READERS[name](place)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(("number", "said"), [(4, "newer landvote; expected 3 or less"), ("3", "expected a number")])
def test_another_number_is_refused(place, name, number, said):
    if name == "model/training.json":  # its hash is right all the same
        (place / "model" / "model.json").write_text(_with_new_hash(place / "model", name, format=number))
    else:
        change(place / name, format=number)
    with pytest.raises((ModelError, PointsError), match=said) as error:
        READERS[name](place)
    assert name.rpartition("/")[2] in str(error.value)


def _with_new_hash(model, name, **values):
    file = model / name.rpartition("/")[2]
    change(file, **values)
    manifest = json.loads((model / "model.json").read_text())
    manifest["files"][file.name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.dumps(manifest)


@pytest.mark.parametrize(
    ("name", "key"),
    [("p.jsonl", "points"), ("p.jsonl", "image"), ("shards/shards.json", "shards"),
     ("shards/predictions-00000.jsonl", "points"), ("model/model.json", "files"), ("model/model.json", "versions"),
     ("model/localiser.json", "scheme"), ("model/localiser.json", "stages")],
)  # fmt: skip
def test_a_missing_key_is_named(place, name, key):
    change(place / name, **{key: None})
    with pytest.raises((ModelError, PointsError), match=rf"'?{key}'?") as error:
        READERS[name](place)
    assert name.rpartition("/")[2] in str(error.value)


@pytest.mark.parametrize(
    "name", ["films.csv", "training.json", "localiser.json", "localiser.npz", "local/placing.npz", "errors/films.npz"]
)
def test_a_foreign_hash_is_refused(place, name):
    manifest = json.loads((place / "model" / "model.json").read_text())
    manifest["files"][name] = "0" * 64
    (place / "model" / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=rf"{name}: altered, SHA-256 is .*, expected 000000000000"):
        load_model(place / "model", "cpu")


def test_shards_of_another_model_are_not_gone_on_with(place):
    change(place / "shards" / "shards.json", model="0" * 64)
    with pytest.raises(SettingError, match=r"shards\.json: was begun with another model"):
        locate_shards(place / "model", [place / "data"], place / "shards", 4, here, "cpu")


def test_films_without_a_column_are_refused(place):
    table = (place / "model" / "films.csv").read_text().splitlines()
    (place / "model" / "films.csv").write_text("\n".join(line.rpartition(",")[0] for line in table))
    with pytest.raises(ModelError, match=r"films\.csv: columns .*, expected .*path"):
        read_films(place / "model")
