"""A file of another form is migrated, or refused with both numbers."""

import pytest

from landvote.errors import ModelError
from landvote.runtime.form import Form

FORM = Form("cakes", 3, ModelError, {2: lambda record: {"sugar": record["sweet"]}})


def test_what_is_written_is_read():
    assert FORM.stamp({"sugar": 1}) == {"format": 3, "sugar": 1}
    assert FORM.read(FORM.stamp({"sugar": 1}), "a.json") == {"sugar": 1}


def test_an_older_form_is_migrated():
    assert FORM.read({"format": 2, "sweet": 5}, "a.json") == {"sugar": 5}


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"sugar": ' + "9" * 5000 + "}"])
def test_what_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ModelError, match=r"a\.json: cannot be read \(.*\), expected cakes"):
        FORM.load(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"sugar": 1}, "^a.json: cakes of format 1, expected 3; make it anew$"),
        ({"format": 4}, "^a.json: cakes of format 4, written by a newer landvote; expected 3 or less: update landvote"),
        ({"format": "3"}, "format '3', expected a number from 1 to 3"),
        ({"format": True}, "format True, expected a number"),
        ({"format": 0}, "format 0, expected a number from 1 to 3"),
    ],
)
def test_another_form_is_refused(record, said):
    with pytest.raises(ModelError, match=said):
        FORM.read(record, "a.json")
