"""No file, line or page that a verb writes names a patient; a model that is anonymous names no film either."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from toys import tiny_words

pytestmark = pytest.mark.slow

NAME, NUMBER, BORN, OTHER = "Quillfeather", "PID48151623", "19310417", "OLD-2342108"
PATIENT = (NAME, "Xanthippe", NUMBER, BORN, OTHER)
UID = "1.2.826.0.1.3680043.8.498.77"
FILM = "zebrawood"  # in the names of films, which an anonymous model hides too


@pytest.fixture(scope="module")
def data(tmp_path_factory, draw):
    """Make a DATA folder of DICOM films of five patients, two films each, with their numbers as subjects."""
    folder = draw(tmp_path_factory.mktemp("private") / "data", [f"{FILM}{i}.png" for i in range(10)])
    for i in range(10):
        picture = folder / "images" / f"{FILM}{i}.png"
        _dicom(np.asarray(Image.open(picture)), i).save_as(picture.with_suffix(".dcm"), enforce_file_format=True)
        picture.unlink()
    table = (folder / "landmarks.csv").read_text().replace(".png", ".dcm")
    (folder / "landmarks.csv").write_text(table)
    rows = "".join(f"{FILM}{i}.dcm,{NUMBER}{i // 2}\n" for i in range(10))
    (folder / "subjects.csv").write_text(f"image,subject\n{rows}")
    return folder


def _dicom(grey, number):
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", f"{UID}.3.{number}"
    film.StudyInstanceUID, film.SeriesInstanceUID = f"{UID}.1.{number}", f"{UID}.2.{number}"
    film.PatientName, film.PatientID = f"{NAME}{number // 2}^Xanthippe", f"{NUMBER}{number // 2}"
    film.PatientBirthDate, film.OtherPatientIDs, film.PatientOrientation = BORN, OTHER, ["L", "F"]
    film.Rows, film.Columns = grey.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated = film.BitsStored = 8
    film.HighBit, film.PixelRepresentation, film.PixelData = 7, 0, grey.tobytes()
    film.PixelSpacing = [0.4, 0.4]
    return film


@pytest.fixture
def say(run, tmp_path, monkeypatch):
    """Return a function that runs a verb and returns all that it said; the folder it ran in holds all that it wrote."""
    monkeypatch.setenv("LANDVOTE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def landvote(*words, status=0):
        ended, out, err = run(*words)
        assert ended == status, err
        return out + err

    return landvote


def found(folder, words):
    """Return the files below a folder that hold a word, or are named by one."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    inside = {file.relative_to(folder): file.read_bytes() for file in files}
    return [(name, word) for name, content in inside.items() for word in words
            if word.encode() in content or word in str(name)]  # fmt: skip


def test_nothing_that_is_written_or_said_names_a_patient(data, say, tmp_path):
    said = say("check", data)
    said += say("check", data, "--json", "--sheet", "sheet.png")
    said += say("split", data, "--test", 0.4)
    words = ("--recipe", "whdv", "--out", "model", "--device", "cpu", *tiny_words())
    said += say("train", data, *words, "--keep-checkpoints")
    said += say("describe", "model", "--page", "model.html")
    said += say("describe", "model", "--json")
    said += say("locate", "model", data, "--out", "found.jsonl", "--overlays", "overlays", "--to", "long-csv")
    said += say("locate", "model", data, "--out", "shards", "--films-per-shard", 4)
    said += say("evaluate", "found.jsonl", "--truth", data, "--out", "report")
    said += say("shape", data, "--out", "shapes")
    assert found(tmp_path, PATIENT) == []
    assert [word for word in PATIENT if word in said] == []
    assert UID in (tmp_path / "found.jsonl").read_text()  # predictions say which film they are of


def test_an_anonymous_model_names_no_film_either(data, say, tmp_path):
    words = ("--recipe", "whdv", "--out", "model", "--device", "cpu", "--anonymous", *tiny_words())
    say("train", data, *words)
    say("describe", "model", "--page", "model/page.html")
    assert found(tmp_path / "model", (*PATIENT, UID, FILM, str(data))) == []
    assert "already" not in say("train", data, *words, "--resume")


def test_a_message_about_a_broken_film_does_not_name_its_patient(say, tmp_path):
    film = _dicom(np.zeros((4, 4), np.uint8), 0)
    film.Rows = 9  # more than there are
    (tmp_path / "data" / "images").mkdir(parents=True)
    film.save_as(tmp_path / "data" / "images" / "broken.dcm", enforce_file_format=True)
    said = say("check", "data", status=1)
    assert "broken.dcm: pixels cannot be decoded" in said
    assert [word for word in PATIENT if word in said] == []
