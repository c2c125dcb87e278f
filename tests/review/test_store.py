"""The store: states that cannot lie, undo after a restart, one server at a time, what the data came with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline, Scheme
from landvote.datasets.folder import read_folder
from landvote.errors import ConflictError, DataError, EditError, PointsError, SchemeError
from landvote.formats.reading import read_points
from landvote.review.edits.history import revision_of
from landvote.review.edits.log import Ruler
from landvote.review.landmarks.schemes import WantedScheme, add_landmarks, rewrite_scheme
from landvote.review.opening import open_review
from landvote.review.store import Store
from reviewing import THREE

FILM = "film-0.png"


@pytest.fixture
def store(review):
    return review.store


def do(store, act="set", who="Ana", image=FILM, **wanted):
    now = store.state(who, image)
    return store.edit(who, image, "hash", now["revision"], act, wanted, proposal=now["proposal"])


def again(store):
    store.close()
    return Store(store.folder)


def proposal(points, errors=(1.0, 2.0, 3.0), image=FILM):
    return Prediction(image, np.array(points, float), np.array(errors), THREE.landmarks, model="m" * 64)


def test_a_film_is_new_then_in_work_then_approved_and_an_edit_takes_that_back(store):
    assert store.state("Ana", FILM)["state"] == "new"
    assert do(store, tip=("placed", 1, 2))["state"] == "corrected"
    do(store, base=("occluded", 3, 4), näsion=("missing", None, None))
    assert do(store, "approve")["state"] == "approved"
    assert do(store, tip=("placed", 9, 9))["state"] == "corrected"
    assert do(store, "reject")["state"] == "rejected"
    assert do(store, "reopen")["state"] == "corrected"


def test_a_film_with_undecided_landmarks_is_not_approved_and_they_are_named(store):
    do(store, tip=("placed", 1, 2))
    with pytest.raises(EditError, match=r"2 landmarks are undecided \(base, näsion\)"):
        do(store, "approve")
    assert store.table().rows == ()


def test_a_proposal_is_no_label_until_it_is_accepted(store):
    store.propose([proposal([[1, 2], [3, 4], [5, 6]])])
    assert store.state("Ana", FILM)["state"] == "proposed"
    assert store.state("Ana", FILM)["marks"] == {}
    assert store.table().rows == ()
    do(store, base=("placed", 3.5, 4))
    do(store, "approve")
    marks = store.state("Ana", FILM)["marks"]
    assert {name: mark[3] for name, mark in marks.items()} == {
        "tip": "accepted",
        "base": "changed",
        "näsion": "accepted",
    }
    (row,) = store.table().rows
    np.testing.assert_array_equal(row.points, [[1, 2], [3.5, 4], [5, 6]])


def test_a_landmark_that_the_proposal_lacks_has_to_be_decided(store):
    store.propose([proposal([[1, 2], [np.nan, np.nan], [5, 6]])])
    with pytest.raises(EditError, match=r"1 landmarks are undecided \(base\)"):
        do(store, "approve")


def test_only_the_proposal_that_was_shown_is_approved(store):
    store.propose([proposal([[1, 2], [3, 4], [5, 6]])])
    seen = store.state("Ana", FILM)
    store.propose([proposal([[7, 2], [3, 4], [5, 6]])])
    with pytest.raises(ConflictError, match="what is proposed has changed"):
        store.edit("Ana", FILM, "hash", seen["revision"], "approve", proposal=seen["proposal"])


def test_undo_and_redo_go_back_to_the_first_edit_also_after_a_restart(store):
    states = [store.state("Ana", FILM)]
    states.append(do(store, tip=("placed", 1, 2)))
    states.append(do(store, tip=("placed", 5, 6), base=("missing", None, None)))
    states.append(do(store, tip=None, näsion=("placed", 1, 1)))
    states.append(do(store, tip=("placed", 8, 8)))
    states.append(do(store, "approve"))

    def same(one, other):
        return all(one[key] == other[key] for key in ("state", "marks", "undo", "redo"))

    states = [{**state, "redo": len(states) - 1 - i} for i, state in enumerate(states)]
    for expected in states[-2::-1]:
        store = again(store)
        assert same(do(store, "undo"), expected)
    assert do(store, "undo")["revision"] == 10  # there is nothing left, and nothing is kept of it
    for expected in states[1:]:
        store = again(store)
        assert same(do(store, "redo"), expected)
    do(store, "undo")
    assert do(store, tip=("placed", 3, 3))["redo"] == 0  # another way was taken
    store.close()


def test_a_log_that_undoes_what_was_not_the_last_is_named(store):
    do(store, tip=("placed", 1, 2))
    do(store, "undo")
    store.close()
    log = store.folder / "edits.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace('"of": 1', '"of": 0'), encoding="utf-8")
    with pytest.raises(DataError, match=r"edits\.jsonl, line 3: undo of edit 0, expected one of \[1\]"):
        Store(store.folder)
    log.unlink()
    Store(store.folder).close()  # the one that failed has let go


def test_undo_is_of_the_own_film_and_the_own_person(store):
    do(store, tip=("placed", 1, 2))
    do(store, who="Bo", tip=("placed", 3, 4))
    do(store, image="film-1.png", tip=("placed", 5, 6))
    assert do(store, "undo")["marks"] == {}
    assert store.state("Bo", FILM)["marks"]["tip"][1:3] == [3, 4]
    assert store.state("Ana", "film-1.png")["marks"]["tip"][1:3] == [5, 6]
    assert store.state("Ana", FILM)["others"] == ["Bo"]


def test_an_edit_of_an_older_revision_is_refused_and_nothing_is_lost(store):
    do(store, tip=("placed", 1, 2))
    with pytest.raises(ConflictError, match="revision 0, expected 1"):
        store.edit("Ana", FILM, "hash", 0, "set", {"tip": ("placed", 9, 9)})
    assert store.state("Ana", FILM)["marks"]["tip"][1:3] == [1, 2]


def test_an_edit_that_changes_nothing_is_not_kept(store):
    do(store, tip=("placed", 1, 2))
    size = (store.folder / "edits.jsonl").stat().st_size
    assert do(store, tip=("placed", 1.0001, 2))["revision"] == 1
    assert do(store, base=None)["revision"] == 1
    assert do(store, "reopen")["revision"] == 1
    assert (store.folder / "edits.jsonl").stat().st_size == size


@pytest.mark.parametrize(
    "wanted", [{"nose": ("placed", 1, 2)}, {"tip": ("placed", None, None)}, {"tip": ("missing", 1, 2)}]
)
def test_an_edit_that_does_not_fit_is_refused(store, wanted):
    with pytest.raises(EditError, match=r"landmark '(nose|tip)' is "):
        do(store, **wanted)


def test_the_points_of_approved_films_are_written_as_long_csv_with_a_person_each_an_annotator(store):
    for who, x in (("Ana", 1.25), ("Bo, MD", 2)):
        do(store, who=who, tip=("placed", x, 2), base=("occluded", 3, 4), näsion=("missing", None, None))
        do(store, "approve", who=who)
    do(store, image="film-1.png", tip=("placed", 1, 2))
    store.close()
    table = read_points(store.folder / "points.csv", scheme=Scheme.read(store.folder / "scheme.toml"))
    assert [(row.image, row.annotator) for row in table.rows] == [(FILM, "Ana"), (FILM, "Bo, MD")]
    np.testing.assert_array_equal(table.rows[0].points, [[1.25, 2], [3, 4], [np.nan, np.nan]])
    np.testing.assert_array_equal(table.rows[0].occluded, [False, True, False])
    assert table.landmarks == THREE.landmarks


def test_a_second_server_is_refused_while_the_first_has_it_open_and_one_to_read_is_not(review, films):
    with pytest.raises(DataError, match="another review has it open"):
        open_review(films, "Bo")
    do(review.store, tip=("placed", 1, 2))
    reading = open_review(films, "Bo", read_only=True)
    assert reading.store.state("Ana", FILM)["marks"]["tip"][1:3] == [1, 2]
    reading.store.close()
    review.store.close()
    open_review(films, "Bo").store.close()


def test_a_scheme_may_grow_and_may_not_lose_what_has_marks(store):
    do(store, tip=("placed", 1, 2), base=("placed", 1, 2), näsion=("placed", 1, 2))
    do(store, "approve")
    add_landmarks(store, "Ana", ["gnathion"])
    store = again(store)
    assert store.scheme.landmarks == (*THREE.landmarks, "gnathion")
    assert store.state("Ana", FILM)["state"] == "approved"
    assert np.isnan(store.table().rows[0].points[3]).all()
    for name in ("tip", "", " x", "a\nb"):
        with pytest.raises(EditError, match="expected a name of its own"):
            add_landmarks(store, "Ana", [name])
    with pytest.raises(SchemeError, match="lacks 'base'"):
        store.set_scheme(Scheme.numbered(0).model_copy(update={"landmarks": ("tip", "näsion")}))
    store.close()


def test_the_scheme_of_before_does_not_take_back_what_was_added(films):
    first = open_review(films, "Ana", scheme=THREE)
    add_landmarks(first.store, "Ana", ["fourth"])
    first.store.close()
    again = open_review(films, "Ana", scheme=THREE)
    assert len(again.store.scheme) == 4
    again.store.close()
    other = open_review(films, "Ana", scheme=Scheme.named("cephalogram"))
    assert len(other.store.scheme) == 19
    other.store.close()


@pytest.mark.parametrize("name", ["", " Ana", "a\nb", "x" * 61])
def test_a_user_who_is_no_person_is_refused(films, name):
    with pytest.raises(EditError, match="expected a name of 1 to 60 printable characters"):
        open_review(films, name)


def test_points_that_the_data_came_with_are_imported_once_and_the_users_file_stays(films):
    given = "image,landmark,x,y,annotator\nfilm-0,tip,1,2,\nfilm-0,base,3,4,\nfilm-1,tip,5,6,Bo\nfilm-1,base,7,8,Bo\n"
    (films / "points-of-mine.csv").write_text(given)
    said = []
    first = open_review(films, "Ana", say=said.append)
    assert said[0].startswith("the points of 2 films were imported")
    assert first.store.state("Ana", FILM)["state"] == "approved"
    assert first.store.state("Ana", FILM)["marks"]["base"] == ["placed", 3, 4, "imported"]
    assert first.store.state("Bo", "film-1.png")["marks"]["tip"][1:3] == [5, 6]
    assert do(first.store, "undo")["state"] == "approved"  # importing is not undone
    do(first.store, tip=("placed", 9, 9))
    first.store.close()
    (films / "points-of-mine.csv").write_text(given.replace("1,2", "20,20"))
    again = open_review(films, "Ana")
    assert again.store.state("Ana", FILM)["marks"]["tip"][1:3] == [9, 9]
    again.store.close()
    assert [s.identifier for s in read_folder(films)] == [f"film-{i}.png" for i in range(4)]
    assert list(read_folder(films)[0].annotations) == [""]  # what the review wrote is not read


def test_an_import_that_was_killed_goes_on_where_it_came_to(films):
    rows = "".join(f"film-{i},{name},1,2\n" for i in range(4) for name in ("tip", "base"))
    (films / "landmarks.csv").write_text(f"image,landmark,x,y\n{rows}")
    open_review(films, "Ana").store.close()
    log = films / "landvote-review" / "edits.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2]) + lines[2][:30])
    said = []
    open_review(films, "Ana", say=said.append).store.close()
    assert any("dropped the last line, of 30 bytes" in text for text in said)
    assert any("the points of 2 films were imported" in text for text in said)
    images = [json.loads(line)["image"] for line in log.read_bytes().splitlines()]
    assert images == [*(f"film-{i}.png" for i in range(4)), ""]


def test_proposals_come_from_any_file_of_points_and_are_there_after_a_restart(films, tmp_path):
    file = tmp_path / "predicted.csv"
    file.write_text("image,landmark,x,y\nfilm-2,tip,1,2\nfilm-2,base,3,4\n")
    opened = open_review(films, "Ana", predictions=file)
    assert opened.store.scheme.landmarks == ("tip", "base")
    opened.store.close()
    opened = open_review(films, "Ana")
    assert opened.store.state("Ana", "film-2.png")["proposed"] == {
        "tip": [1, 2, None, None],
        "base": [3, 4, None, None],
    }
    opened.store.close()
    file.write_text("image,landmark,x,y\nfilm-9,tip,1,2\n")
    with pytest.raises(PointsError, match="film-9"):
        open_review(films, "Ana", predictions=file)
    open_review(films, "Ana").store.close()  # the one that failed has let go


def test_two_shapes_of_one_film_are_two_films_of_the_list(films):
    rows = "".join(f"film-0.png_{side},tip,{x},2\n" for side, x in (("L", 30), ("R", 5)))
    (films / "landmarks.csv").write_text(f"image,landmark,x,y\n{rows}")
    opened = open_review(films, "Ana")
    assert [s.identifier for s in opened.films.samples][:3] == ["film-0.png_L", "film-0.png_R", "film-1.png"]
    opened.store.close()


def test_it_tells_which_films_are_begun_approved_and_annotated_without_a_proposal(store):
    images = [f"film-{i}.png" for i in range(4)]
    store.propose(
        [proposal(np.ones((3, 2)), (1.0, np.nan, 2.0), images[1]), proposal(np.ones((3, 2)), image=images[2])]
    )
    before = store.edits
    for image in images[:3]:
        do(store, image=image, tip=("placed", 1, 2), base=("placed", 3, 4), näsion=("missing", None, None))
    do(store, "approve", image=images[0])
    do(store, "approve", image=images[1])
    do(store, "reject", who="Bo", image=images[3])
    found = again(store)
    assert found.edits == before + 6
    assert found.states.begun() == set(images)
    assert found.states.approved_films() == {images[0], images[1]}
    assert found.states.approved_films(unaided=True) == {images[0]}
    assert found.proposals.outlook() == {images[1]: (1.5, None), images[2]: (2.0, None)}
    found.close()


class TestSchemeThatChanges:
    def wanted(self, *landmarks, **more):
        told = [{"name": name, "was": was, "definition": text} for name, was, text in landmarks]
        return WantedScheme.model_validate({"landmarks": told, **more})

    def rename(self, store, old, new):
        names = store.scheme.landmarks
        wanted = self.wanted(*((new if name == old else name, name, "") for name in names))
        rewrite_scheme(store, "Bo", wanted, revision_of(store.scheme))

    def test_marks_undo_and_proposals_go_by_the_new_name_also_after_a_restart(self, store):
        store.propose([proposal([[1, 2], [3, 4], [5, 6]])])
        do(store, tip=("placed", 1, 1))
        do(store, tip=("placed", 2, 2))
        do(store, "undo")
        self.rename(store, "tip", "apex")
        for _ in range(2):
            state = store.state("Ana", FILM)
            assert {name: mark[1:3] for name, mark in state["marks"].items()} == {"apex": [1, 1]}
            assert state["proposed"].keys() == {"apex", "base", "näsion"}
            assert do(store, "redo")["marks"]["apex"][1:3] == [2, 2]
            assert do(store, "undo")["marks"]["apex"][1:3] == [1, 1]
            store = again(store)
        self.rename(store, "apex", "tip")
        assert do(store, "undo")["marks"] == {}
        assert do(store, "redo")["marks"]["tip"][1:3] == [1, 1]
        store.close()

    @pytest.mark.parametrize("taken", ["tip", "base"])
    def test_a_name_that_another_landmark_has_or_had_is_refused(self, store, taken):
        self.rename(store, "tip", "apex")
        with pytest.raises(EditError, match=rf"'{taken}'"):
            self.rename(store, "näsion", taken)
        with pytest.raises(EditError, match=rf"'{taken}'"):
            add_landmarks(store, "Bo", [taken])
        assert store.scheme.landmarks == ("apex", "base", "näsion")

    def test_landmarks_with_marks_stay_also_those_that_undo_would_bring_back(self, store):
        do(store, tip=("placed", 1, 1))
        do(store, "undo")
        less = self.wanted(("base", "base", ""), ("näsion", "näsion", ""))
        with pytest.raises(EditError, match="'tip' has points on films, or had some; expected it to stay"):
            rewrite_scheme(store, "Bo", less, revision_of(store.scheme))
        less = self.wanted(("tip", "tip", ""), ("näsion", "näsion", ""), reference=[0, 1])
        rewrite_scheme(store, "Bo", less, revision_of(store.scheme))
        store = again(store)
        assert (store.scheme.landmarks, store.scheme.file_points, store.scheme.reference) == (
            ("tip", "näsion"),
            2,
            (0, 1),
        )
        store.close()

    def test_another_order_is_refused(self, store):
        turned = self.wanted(("base", "base", ""), ("tip", "tip", ""), ("näsion", "näsion", ""))
        with pytest.raises(EditError, match="the order of landmarks has changed"):
            rewrite_scheme(store, "Bo", turned, revision_of(store.scheme))

    def test_a_scheme_that_has_changed_meanwhile_is_not_overwritten(self, store):
        seen = revision_of(store.scheme)
        add_landmarks(store, "Bo", ["fourth"])
        with pytest.raises(ConflictError, match="the landmarks have changed meanwhile"):
            rewrite_scheme(store, "Ana", self.wanted(("apex", "tip", "")), seen)
        assert store.scheme.landmarks == (*THREE.landmarks, "fourth")

    def test_outlines_pairs_and_definitions_are_there_after_a_restart(self, store):
        add_landmarks(store, "Bo", ["edge 1", "edge 2"], "edge", closed=True)
        names = store.scheme.landmarks
        wanted = self.wanted(
            *((name, name, f'Of "{name}"\\.') for name in names), normaliser=[0, 2], mirrored=[[0, 1]],
            outlines=[{"name": "edge", "points": [3, 4, 0], "closed": True}],
        )  # fmt: skip
        rewrite_scheme(store, "Bo", wanted, revision_of(store.scheme))
        made, store = store.scheme, again(store)
        assert store.scheme == made
        assert made.outlines == (Outline(name="edge", points=(3, 4, 0), closed=True),)
        assert (made.normaliser, made.mirrored, made.definitions[4]) == ((0, 2), ((0, 1),), 'Of "edge 2"\\.')
        store.close()

    @pytest.mark.parametrize(
        "more",
        [{"reference": [0]}, {"reference": [0, 9]}, {"reference": [1, 1]}, {"normaliser": [0, 0]},
         {"mirrored": [[0, 1], [1, 2]]}, {"outlines": [{"name": "a", "points": [0, 3]}]},
         {"outlines": [{"name": "a", "points": [0, 1]}, {"name": "a", "points": [1, 2]}]}],
    )  # fmt: skip
    def test_a_scheme_that_contradicts_itself_is_refused(self, store, more):
        names = store.scheme.landmarks
        with pytest.raises(EditError, match="expected"):
            rewrite_scheme(store, "Bo", self.wanted(*((n, n, "") for n in names), **more), revision_of(store.scheme))
        assert store.scheme == THREE

    def test_a_scheme_of_equal_parts_does_not_grow(self, films):
        opened = open_review(films, "Ana", scheme=Scheme.named("spine"))
        with pytest.raises(EditError, match="consists of equal parts"):
            add_landmarks(opened.store, "Ana", ["sacrum"])
        opened.store.close()

    def test_a_server_that_was_killed_between_log_and_file_has_the_scheme_of_the_log(self, store):
        before = (store.folder / "scheme.toml").read_text(encoding="utf-8")
        do(store, tip=("placed", 1, 1))
        self.rename(store, "tip", "apex")
        store.close()
        (store.folder / "scheme.toml").write_text(before, encoding="utf-8")
        store = Store(store.folder)
        assert store.scheme.landmarks[0] == Scheme.read(store.folder / "scheme.toml").landmarks[0] == "apex"
        assert store.state("Ana", FILM)["marks"]["apex"][1:3] == [1, 1]
        store.close()

    def test_a_disk_that_is_full_changes_neither_scheme_nor_log(self, store, monkeypatch):
        def full(_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            with pytest.raises(DataError, match="No space left"):
                self.rename(store, "tip", "apex")
        assert store.scheme == Scheme.read(store.folder / "scheme.toml") == THREE
        do(store, tip=("placed", 1, 1))
        store = again(store)
        assert store.scheme == THREE
        store.close()


class TestRulers:
    RULER = Ruler(0, 0, 0, 50, 10)

    def measure(self, store, ruler, *others, who="Ana", image=FILM):
        return store.measure(who, image, "hash", store.state(who, image)["revision"], ruler, (image, *others))

    def test_a_ruler_is_of_the_film_for_all_and_is_undone_and_done_again(self, store):
        self.measure(store, self.RULER)
        assert store.rulers.spacing(FILM) == Spacing(0.2, 0.2, "ruler")
        self.measure(store, self.RULER._replace(length=20), who="Bo")
        assert store.rulers.spacing(FILM).x == 0.4
        do(store, "undo", who="Bo")
        store = again(store)
        assert store.rulers.spacing(FILM).x == 0.2
        do(store, "undo")
        assert store.rulers.spacing(FILM) is None
        do(store, "redo")
        assert store.rulers.record(FILM, None)["who"] == "Ana"
        self.measure(store, None)
        assert store.rulers.spacing(FILM) is None
        assert store.state("Ana", FILM)["state"] == "new"
        store.close()

    def test_undo_leaves_the_ruler_that_another_person_has_put_there_since(self, store):
        self.measure(store, self.RULER)
        self.measure(store, self.RULER._replace(length=20), who="Bo")
        do(store, "undo")
        assert store.rulers.spacing(FILM).x == 0.4

    def test_films_alike_get_it_and_lose_it_with_the_one_that_was_measured(self, store):
        self.measure(store, self.RULER._replace(length=20), image="film-1.png")
        self.measure(store, self.RULER, "film-1.png", "film-2.png")
        assert [store.rulers.spacing(f"film-{i}.png").x for i in range(3)] == [0.2, 0.4, 0.2]
        do(store, "undo")
        assert [store.rulers.of(f"film-{i}.png") is None for i in range(3)] == [True, False, True]

    def test_an_older_revision_is_refused(self, store):
        do(store, tip=("placed", 1, 2))
        with pytest.raises(ConflictError, match="revision 0, expected 1"):
            store.measure("Ana", FILM, "hash", 0, self.RULER, (FILM,))

    def test_training_from_the_points_takes_the_ruler_and_other_columns_stay(self, store, films):
        (store.folder / "films.csv").write_text("image,spacing_mm,ward\nfilm-0.png,0.9,A\nfilm-3.png,0.7,B\n")
        do(store, tip=("placed", 1, 2), base=("placed", 3, 4), näsion=("missing", None, None))
        do(store, "approve")
        self.measure(store, self.RULER)
        store.close()
        samples = read_folder(store.folder / "points.csv", films=films)
        assert samples[0].open().spacing == Spacing(0.2, 0.2, "ruler")
        assert samples[0].attributes == {"ward": "A"}
        assert samples[1].open().spacing is None
        assert samples[3].open().spacing == Spacing(0.7, 0.7, "films.csv")

    def test_a_table_that_cannot_be_read_is_left_alone_and_named(self, store):
        (store.folder / "films.csv").write_text("film\n1\n")
        self.measure(store, self.RULER)
        for _ in range(2):
            with pytest.raises(DataError, match=r"films\.csv, line 1: columns 'film', expected 'image'"):
                store.write_files()
        (store.folder / "films.csv").unlink()
        store.write_files()
        assert (store.folder / "films.csv").read_text() == "image,ruler_mm\nfilm-0.png,0.2\n"
