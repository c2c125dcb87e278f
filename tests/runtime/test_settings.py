"""Settings: frozen, strict, and in families; what is wrong is told in one line with the nearest known word."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError

from landvote.errors import ModelError, SettingError
from landvote.runtime.settings import Family, Settings, validated


class Shape(Settings):
    name: str = "any"


class Circle(Shape):
    kind: Literal["circle"] = "circle"
    radius: float = Field(default=1.0, gt=0)


class Square(Shape):
    kind: Literal["square"] = "square"
    side: int = 1


SHAPES: Family[Shape] = Family("shape", Circle, Square)


class Drawing(Settings):
    title: str
    shape: Annotated[SerializeAsAny[Shape], BeforeValidator(SHAPES.parse)]
    inner: Circle | None = None


def test_settings_cannot_be_changed_or_misspelt():
    with pytest.raises(ValidationError, match="frozen"):
        Circle().radius = 2.0
    with pytest.raises(ValidationError, match="radios"):
        Circle(radios=2.0)


def test_a_family_is_the_table_of_its_members():
    assert list(SHAPES) == ["circle", "square"]
    assert SHAPES["square"] is Square
    with pytest.raises(SettingError, match="'cirle' is unknown, expected one of circle, square; did you mean 'circle'"):
        SHAPES["cirle"]


def test_a_member_is_parsed_by_its_kind_and_survives_json():
    one = Drawing(title="x", shape={"kind": "square", "side": 3})
    assert one.shape == Square(side=3)
    assert Drawing.model_validate_json(one.model_dump_json()) == one
    assert Drawing(title="x", shape=Circle()).shape == Circle()


@pytest.mark.parametrize(("value", "message"), [
    ({"shape": {"kind": "square"}}, r"^here: title: Field required$"),
    ({"title": "x", "shape": {}}, r"shape: a shape without kind, expected one of circle, square"),
    ({"title": "x", "shape": {"kind": "sqare"}}, r"shape 'sqare' is unknown.*did you mean 'square'"),
    ({"title": "x", "shape": {"kind": "circle", "side": 2}}, r"unknown key 'side'"),
    ({"title": "x", "shape": {"kind": "circle", "radis": 2}}, r"unknown key 'radis'; did you mean 'radius'"),
    ({"title": "x", "shape": {"kind": "circle", "radius": -1}}, r"shape: radius: .*greater than 0, found -1"),
    ({"titel": "x", "title": "x", "shape": {"kind": "circle"}}, r"unknown key 'titel'; did you mean 'title'"),
    ({"title": "x", "shape": {"kind": "circle"}, "inner": {"radios": 1}},
     r"unknown key 'inner.radios'; did you mean 'radius'"),
    (3, r"^here: "),
])  # fmt: skip
def test_what_is_wrong_is_told_in_one_line(value, message):
    with pytest.raises(SettingError, match=message) as told:
        validated(Drawing, value, "here")
    assert "\n" not in str(told.value)


def test_several_mistakes_are_told_together_and_by_the_error_asked_for():
    with pytest.raises(ModelError, match=r"^file: title: .*; unknown key 'colour'"):
        validated(Drawing, {"shape": Circle(), "colour": 3}, "file", ModelError)


def test_a_member_needs_a_kind_of_its_own():
    class Nameless(Shape):
        pass

    class Other(Shape):
        kind: Literal["circle"] = "circle"

    family: Family[Shape] = Family("shape", Circle)
    for wrong, kind in ((Nameless, "None"), (Other, "'circle'")):
        with pytest.raises(SettingError, match=f"shape {wrong.__name__}: kind is {kind}, expected a name of its own"):
            family.register(wrong)
    family.register(Circle)  # once more is no harm
    assert list(family) == ["circle"]


def test_a_member_may_be_taken_out_again_and_another_put_in_its_place():
    class Newer(Shape):
        kind: Literal["circle"] = "circle"

    family: Family[Shape] = Family("shape", Circle, Square)
    family.unregister(Circle)
    family.unregister(Circle)  # it is not there any more
    family.register(Newer)
    assert (set(family), family["circle"]) == ({"circle", "square"}, Newer)
