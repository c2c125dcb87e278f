"""Points in DICOM: structured reports as highdicom and OHIF lay them out, presentation states, films by their UIDs."""

from contextlib import suppress
from functools import cache

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from landvote.errors import PointsError
from landvote.formats.family import recognised
from landvote.formats.films import Films
from landvote.formats.reading import read_points
from toys import dicom

REPORT, STATE = "1.2.840.10008.5.1.4.1.1.88.34", "1.2.840.10008.5.1.4.1.1.11.1"
OHIF = "Cornerstone3DTools@^0.1.0:"
A, B = generate_uid(), generate_uid()


def item(*below, **attributes):
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    if below:
        made.ContentSequence = Sequence(below)
    return made


def code(value, meaning="meaning"):
    return Sequence([item(CodeValue=value, CodingSchemeDesignator="DCM", CodeMeaning=meaning)])


def text(concept, value):
    return item(ValueType="TEXT", ConceptNameCodeSequence=code(concept), TextValue=value)


def image(uid, **more):
    reference = item(ReferencedSOPClassUID="1.2.840.10008.5.1.4.1.1.1", ReferencedSOPInstanceUID=uid, **more)
    return item(ValueType="IMAGE", ReferencedSOPSequence=Sequence([reference]))


def scoord(data, uid=A, kind="POINT", *, value="SCOORD"):
    return item(*([image(uid)] if uid else []), ValueType=value, GraphicType=kind, GraphicData=data)


def group(*items):
    return item(*items, ValueType="CONTAINER", ConceptNameCodeSequence=code("125007"))


def named(name, data, uid=A):
    return group(text("112039", name), scoord(data, uid))


def arrow(name, data):
    tool = text("112039", f"{OHIF}ArrowAnnotate")
    return group(tool, item(scoord(data, kind="POLYLINE"), ValueType="NUM"), text("121106", name))


def save(path, kind, dataset):
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = kind
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.PatientName, dataset.ContentCreatorName = "Doe^Jane", "Reader^Anna"
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def report(tmp_path):
    def write(*groups, name="a-sr.dcm"):
        return save(tmp_path / name, REPORT, item(item(*groups, ValueType="CONTAINER"), ValueType="CONTAINER"))

    return write


@pytest.fixture
def films(tmp_path):
    (tmp_path / "films").mkdir()
    for name, uid in (("x.dcm", A), ("y.dcm", B)):
        dicom(np.zeros((4, 6), np.uint8), SOPInstanceUID=uid).save_as(tmp_path / "films" / name)
    return Films.below(tmp_path / "films")


def test_a_report_names_points_and_its_film(report, films):
    finding = item(ValueType="CODE", ConceptNameCodeSequence=code("121071"), ConceptCodeSequence=code("1", "knee"))
    probe = group(text("112039", f"{OHIF}Probe"), finding, item(scoord([3, 4]), ValueType="NUM"))
    path = report(named("hip", [12.75, 9.0]), probe, arrow("shaft", [5.5, 7.5, 11, 13]))
    assert recognised(path) == ["dicom-sr"]
    table = read_points(path, films=films)
    assert (table.landmarks, [(row.image, row.annotator) for row in table.rows]) == (
        ("hip", "knee", "shaft"),
        [("x.dcm", "")],
    )
    np.testing.assert_array_equal(table.rows[0].points, [[12.25, 8.5], [2.5, 3.5], [5, 7]])
    assert "Doe" not in str(table)
    assert "Anna" not in str(table)


def test_a_report_of_several_films(report, films):
    path = report(named("hip", [1, 2]), named("hip", [3, 4], B))
    assert [row.image for row in read_points(path, films=films).rows] == ["x.dcm", "y.dcm"]
    assert [row.image for row in read_points(path).rows] == [A, B]


def test_a_film_that_is_not_found_by_its_number_is_by_the_name_of_the_file(report, films):
    path = report(named("hip", [1, 2], generate_uid()), name="y-sr.dcm")
    table = read_points(path, films=films)
    assert [row.image for row in table.rows] == ["y"]
    assert "no film has the SOP Instance UID of the file: it is taken by its name" in table.notes


def test_a_point_without_an_image_is_on_the_only_one(report):
    library = group(image(A))
    assert len(read_points(report(library, named("hip", [1, 2], None))).rows) == 1
    with pytest.raises(PointsError, match="a point that refers to 2 images, expected one"):
        read_points(report(library, group(image(B)), named("hip", [1, 2], None)))


def test_what_else_is_drawn_is_passed_over_with_a_count(report):
    length = group(text("112039", f"{OHIF}Length"), item(scoord([1, 2, 3, 4], kind="POLYLINE"), ValueType="NUM"))
    table = read_points(report(length, length, named("hip", [1, 2])))
    assert (table.landmarks, table.notes[-1]) == (("hip",), "2 graphics of type POLYLINE are passed over")


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ([named("hip", [1, 2]), named("hip", [3, 4])], "'hip' of '' is given twice"),
        ([group(scoord([1, 2]))], "a point without a name, expected a tracking identifier or a comment"),
        ([named("hip", [1, 2, 3])], r"GraphicData is '\[1.0, 2.0, 3.0\]', expected 2 numbers"),
        ([named("hip", [float("nan"), 2])], "expected 2 numbers"),
        ([group(text("112039", "hip"), scoord([1, 2], value="SCOORD3D"))], r"points in space \(SCOORD3D\)"),
        ([group(text("112039", "hip"), scoord([1, 2, 3, 4], kind="ELLIPSE"))], "1 graphics of type ELLIPSE are passed"),
        ([group(text("112039", "hip"))], "no coordinates, expected points"),
        ([group(image(A, ReferencedFrameNumber=2))], "points on frame 2, expected a film of one frame"),
    ],
)
def test_what_is_wrong_is_named(report, groups, said):
    with pytest.raises(PointsError, match=said):
        read_points(report(*groups))


@pytest.fixture
def state(tmp_path):
    def write(graphics, texts=(), uid=A):
        layer = item(GraphicObjectSequence=Sequence(graphics), TextObjectSequence=Sequence(texts))
        layer.ReferencedImageSequence = Sequence([item(ReferencedSOPInstanceUID=uid)])
        return save(tmp_path / "x-pr.dcm", STATE, item(GraphicAnnotationSequence=Sequence([layer])))

    return write


def graphic(data, units="PIXEL", kind="POINT", **more):
    return item(GraphicAnnotationUnits=units, GraphicType=kind, GraphicData=data, **more)


def test_a_presentation_state_names_points_by_number_or_by_text(state, films):
    texts = [item(AnchorPointAnnotationUnits="PIXEL", AnchorPoint=[3, 4], UnformattedTextValue="knee")]
    path = state([graphic([1, 2], TrackingID="hip"), graphic([3, 4]), graphic([1, 2, 3, 4], kind="POLYLINE")], texts)
    assert recognised(path) == ["dicom-sr"]
    table = read_points(path, films=films)
    assert (table.landmarks, table.rows[0].image) == (("hip", "knee"), "x.dcm")
    np.testing.assert_array_equal(table.rows[0].points, [[0.5, 1.5], [2.5, 3.5]])
    assert table.notes[-1] == "1 graphics of type POLYLINE are passed over"


def test_a_presentation_state_that_is_wrong_is_named(state):
    with pytest.raises(PointsError, match="GraphicAnnotationUnits is 'DISPLAY', expected 'PIXEL'"):
        read_points(state([graphic([0.1, 0.2], "DISPLAY", TrackingID="hip")]))
    with pytest.raises(PointsError, match="a point without a name"):
        read_points(state([graphic([1, 2])]))


def test_films_with_one_number_are_named(report, films, tmp_path):
    dicom(np.zeros((4, 6), np.uint8), SOPInstanceUID=A).save_as(tmp_path / "films" / "z.dcm")
    with pytest.raises(PointsError, match=r"a-sr\.dcm: films 'x\.dcm' and 'z\.dcm' have one SOP Instance UID"):
        read_points(report(named("hip", [1, 2])), films=Films.below(tmp_path / "films"))


@cache  # with one random UID
def whole_report(path):
    groups = item(named("hip", [1, 2]), arrow("knee", [1, 2, 3, 4]), ValueType="CONTAINER")
    return save(path, REPORT, item(groups, ValueType="CONTAINER")).read_bytes()


@settings(max_examples=100)
@given(data=st.data())
def test_a_damaged_report_is_read_or_refused(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "damaged.dcm"
    content = bytearray(whole_report(path))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(132, len(content)))])
    with suppress(PointsError):
        read_points(path, "dicom-sr")


def test_a_film_is_no_report(films, tmp_path):
    assert recognised(tmp_path / "films" / "x.dcm") == []
    with pytest.raises(PointsError, match="DICOM of another kind, expected a structured report"):
        read_points(tmp_path / "films" / "x.dcm", "dicom-sr")
    (tmp_path / "text.dcm.txt").write_text("text")
    with pytest.raises(PointsError, match="no DICOM file, expected a structured report"):
        read_points(tmp_path / "text.dcm.txt", "dicom-sr")
