"""A folder with a DICOMDIR has the films that this lists; DICOM files without a film are left out, with a word."""

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset

from landvote.errors import ImageError
from landvote.films.image import read_image
from landvote.formats.films import Films
from toys import dicom

REPORT, STATE, PDF = (f"1.2.840.10008.5.1.4.1.1.{n}" for n in ("88.33", "11.1", "104.1"))


def write_film(path, storage="", **attributes):
    path.parent.mkdir(parents=True, exist_ok=True)
    ds = dicom(np.arange(16, dtype=np.uint8).reshape(4, 4), **attributes)
    if storage:
        del ds.PixelData
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = storage
    ds.save_as(path, enforce_file_format=True)


def write_dicomdir(folder, *paths, kind="IMAGE", name="DICOMDIR"):
    ds = dicom(np.zeros((1, 1), np.uint8))
    del ds.PixelData
    ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    records = []
    for path in ("", *paths):
        record = Dataset()
        record.DirectoryRecordType = kind if path else "PATIENT"
        if path:
            record.ReferencedFileID = path.split("/") if "/" in path[1:] else path
        records.append(record)
    ds.DirectoryRecordSequence = records
    ds.save_as(folder / name, enforce_file_format=True)


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir"])
def test_its_films_are_those_it_lists(tmp_path, name):
    for path in ("PAT1/IM1", "pat1/im2" if name == "dicomdir" else "PAT1/IM2", "IM3", "PAT1/NEW", "viewer/new.dcm"):
        write_film(tmp_path / path)
    Image.new("L", (4, 4)).save(tmp_path / "viewer" / "logo.png")
    write_dicomdir(tmp_path, "PAT1/IM1", "PAT1/IM2", "IM3", name=name)
    films = Films.below(tmp_path)
    assert [n.upper() for n in films.files] == ["IM3", "PAT1/IM1", "PAT1/IM2"]
    assert films.left_out == ("3 images that the DICOMDIR beside them does not list: NEW, logo.png, new.dcm",)


def test_a_listed_film_that_is_not_there_is_one_that_cannot_be_read(tmp_path):
    write_film(tmp_path / "IM1")
    write_dicomdir(tmp_path, "IM1", "IM2")
    films = Films.below(tmp_path)
    assert list(films.files) == ["IM1", "IM2"]
    with pytest.raises(ImageError, match=r"IM2: cannot be read"):
        read_image(films.files["IM2"])


def test_each_of_several_counts_for_its_own_folder(tmp_path):
    for path in ("one/A", "one/B", "two/A", "two/B", "C"):
        write_film(tmp_path / path)
    write_dicomdir(tmp_path / "one", "A")
    assert list(Films.below(tmp_path).files) == ["C", "one/A", "two/A", "two/B"]


@pytest.mark.parametrize("content", [b"", b"DICM", bytes(128) + b"DICM", bytes(range(256)) * 3])
def test_one_that_cannot_be_read_leaves_nothing_out(tmp_path, content):
    write_film(tmp_path / "IM1")
    (tmp_path / "DICOMDIR").write_bytes(content)
    films = Films.below(tmp_path)
    assert list(films.files) == ["IM1"]
    assert films.left_out == ("1 lists of DICOM files that cannot be read, so that all films are taken: DICOMDIR",)


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.parametrize("path", ["../outside", "/etc", ".."])
def test_nothing_outside_the_folder_is_listed(tmp_path, path):
    write_film(tmp_path / "data" / "IM1")
    write_film(tmp_path / "outside")
    write_dicomdir(tmp_path / "data", "IM1", path)
    assert list(Films.below(tmp_path / "data").files) == ["IM1"]


def test_dicom_without_a_film_is_left_out_by_its_kind(tmp_path):
    for name in ("a.dcm", "b", "rt.dcm"):
        write_film(tmp_path / name)
    write_film(tmp_path / "sr.dcm", REPORT)
    write_film(tmp_path / "sr2", REPORT)
    write_film(tmp_path / "gsps.dcm", STATE)
    write_film(tmp_path / "scan.dcm", PDF)
    films = Films.below(tmp_path)
    assert list(films.files) == ["a.dcm", "b", "rt.dcm"]
    assert films.left_out == (
        "1 documents in DICOM: scan.dcm",
        "1 presentation states in DICOM: gsps.dcm",
        "2 structured reports in DICOM: sr.dcm, sr2",
    )


def test_a_folder_of_reports_alone_has_no_films_and_says_why(tmp_path):
    write_film(tmp_path / "sr.dcm", REPORT)
    with pytest.raises(ImageError, match=r"no films, .*; 1 structured reports in DICOM: sr\.dcm"):
        Films.below(tmp_path)


def test_hidden_companions_are_told_of(tmp_path):
    write_film(tmp_path / "a.dcm")
    (tmp_path / "._a.dcm").write_bytes(b"\0\5\x16\7")
    write_film(tmp_path / "@eaDir" / "a.dcm")
    for i in range(5):
        (tmp_path / f".trash{i}").mkdir()
    assert Films.below(tmp_path).left_out == (
        "1 folders of file servers and archives: @eaDir",
        "6 hidden files and folders: ._a.dcm, .trash0, .trash1, ...",
    )


def test_pictures_of_other_kinds_are_told_of(tmp_path):
    for name in ("a.webp", "b.JP2", "c.nii.gz", "notes.txt"):
        (tmp_path / name).write_bytes(b"something")
    with pytest.raises(ImageError, match=r"; 3 pictures of a kind that is not read: a\.webp, b\.JP2, c\.nii\.gz$"):
        Films.below(tmp_path)
