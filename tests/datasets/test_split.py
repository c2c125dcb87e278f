"""The division of films: one subject, patient or picture on one side, the same whatever the order; and split.csv."""

import random
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Film, Source
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.datasets.split import group_films, parts_by_subject, split_by_subject, split_folder
from landvote.datasets.survey import Facts, Survey
from landvote.errors import ExistsError, ImageError, SettingError, SplitError


def films(subjects):
    film = Radiograph(np.zeros((2, 2), np.uint8), "f")
    return [Sample(f"{s}-{i}", lambda: film, Scheme.numbered(1), subject=str(s)) for i, s in enumerate(subjects)]


def divided(samples, share, seed=0):
    """Divide by the subjects alone."""
    return split_by_subject(samples, share, seed, group_films(samples, [None] * len(samples)))


class TestBySubject:
    def test_subjects_stay_together_and_nothing_is_lost(self):
        samples = films([i // 3 for i in range(90)])
        kept, held = divided(samples, 0.2)
        assert not {s.subject for s in kept} & {s.subject for s in held}
        assert Counter(s.identifier for s in kept + held) == Counter(s.identifier for s in samples)
        assert abs(len(held) - 18) <= 2

    def test_the_order_of_the_samples_does_not_matter_but_the_seed_does(self):
        samples = films(range(50))
        shuffled = random.Random(3).sample(samples, 50)
        names = {s.identifier for s in divided(samples, 0.3, seed=1)[1]}
        assert {s.identifier for s in divided(shuffled, 0.3, seed=1)[1]} == names
        assert {s.identifier for s in divided(samples, 0.3, seed=2)[1]} != names

    @pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
    def test_neither_side_is_empty(self, share):
        kept, held = divided(films([1, 1, 1, 2]), share)
        assert kept
        assert held

    def test_a_name_that_is_not_utf8_is_drawn_as_any_other(self):
        odd = replace(films(["x"])[0], subject=b"r\xf6ntgen".decode(errors="surrogateescape"), identifier="odd")
        samples = [*films(range(9)), odd]
        assert len({s.identifier for seed in range(20) for s in divided(samples, 0.3, seed)[1]} & {"odd"}) == 1

    def test_one_subject_cannot_be_divided(self):
        with pytest.raises(SplitError, match=r"3 films of 1 subject\(s\)"):
            divided(films([7, 7, 7]), 0.2)

    @pytest.mark.parametrize("share", [0, 1, -0.1, float("nan")])
    def test_a_share_out_of_range(self, share):
        with pytest.raises(SettingError, match="expected between 0 and 1"):
            divided(films([1, 2]), share)


class TestParts:
    def test_each_film_is_in_one_part_with_its_subject_and_parts_are_alike_large(self):
        samples = films([1, 1, 1, 2, 2, 3, 4, 5, 6, 7])
        parts = parts_by_subject(samples, 3, 0)
        assert sorted(len(part) for part in parts) == [3, 3, 4]
        assert Counter(name for part in parts for name in part) == Counter(s.identifier for s in samples)
        subjects = [{name.partition("-")[0] for name in part} for part in parts]
        assert sum(map(len, subjects)) == 7

    def test_the_seed_decides_and_not_the_order(self):
        samples = films(range(12))
        parts = parts_by_subject(samples, 3, 1)
        assert parts_by_subject(samples[::-1], 3, 1) == parts
        assert parts_by_subject(samples, 3, 2) != parts

    def test_there_are_no_more_parts_than_subjects_and_two_at_least(self):
        assert [len(part) for part in parts_by_subject(films([1, 1, 2, 2]), 5, 0)] == [2, 2]
        with pytest.raises(SplitError, match=r"2 films of 1 subject\(s\)"):
            parts_by_subject(films([1, 1]), 3, 0)
        with pytest.raises(SettingError, match="parts = 1, expected 2 or more"):
            parts_by_subject(films([1, 2]), 1, 0)


class TestGroups:
    @pytest.mark.parametrize(
        ("known", "groups"),
        [  # of each film: subject, patient, pixels
            ([("", "", "p"), ("", "", "q"), ("", "", "")], ["a", "b", "c"]),
            ([("s", "", "p"), ("t", "", "q"), ("s", "", "r")], ["s", "t", "s"]),
            ([("", "x", "p"), ("", "y", "q"), ("", "x", "r")], ["a", "b", "a"]),
            ([("", "", "p"), ("", "", "p"), ("", "", "")], ["a", "a", "c"]),
            ([("s", "x", "p"), ("t", "x", "q"), ("s", "y", "r")], ["s", "t", "s"]),  # the data knows better
            ([("s", "", "p"), ("t", "", "p"), ("t", "", "q")], ["s", "s", "s"]),  # b joins both
        ],
    )
    def test_of_subject_else_patient_and_pixels(self, known, groups):
        samples = [replace(films(["x"])[0], identifier=n, subject=k[0] or n) for n, k in zip("abc", known, strict=True)]
        told = [
            Facts(Film(pixels_sha256=pixels, source=Source(patient=patient)), "uint8", "", np.eye(9)[i], is_flat=False)
            for i, (_, patient, pixels) in enumerate(known)
        ]
        expected = dict(zip("abc", groups, strict=True))
        assert group_films(samples, told) == expected
        assert group_films(samples[::-1], told[::-1]) == expected

    def test_of_subjects_spelt_alike_and_of_pictures_that_look_the_same(self):
        samples = [
            replace(films(["x"])[0], identifier=n, subject=s)
            for n, s in zip("abcd", ["P 01", "q", "p1", "r"], strict=True)
        ]
        noise = np.random.default_rng(0).integers(0, 200, (4, 60, 60), dtype=np.uint8)
        noise[3] = noise[1] + 1
        samples = [replace(s, open=lambda p=p: Radiograph(p, "film")) for s, p in zip(samples, noise, strict=True)]
        told = [Facts.of(s.open()) for s in samples]
        assert group_films(samples, told) == {"a": "P 01", "b": "q", "c": "P 01", "d": "q"}

    def test_of_no_films(self):
        assert group_films([], []) == {}


class TestFolder:
    @pytest.fixture
    def data(self, tmp_path):
        """Forty films; the last ten are copies of the first ten."""
        (tmp_path / "images").mkdir()
        for i in range(40):
            Image.new("L", (8, 6), 5 * (i % 30)).save(tmp_path / "images" / f"{i:02}.png")
        return tmp_path

    def sides(self, data):
        return {s.identifier: s.split for s in read_folder(data)}

    def test_every_film_has_a_side_and_its_copy_the_same(self, data):
        told = split_folder(data, test=0.25, val=0.25, seed=1)
        sides = self.sides(data)
        assert {name: films for name, (films, _) in told.items()} == Counter(sides.values())
        assert sum(subjects for _, subjects in told.values()) == 30
        assert all(abs(told[name][0] - 10) <= 1 for name in ("test", "val"))
        assert [i for i in range(10) if sides[f"{i:02}.png"] != sides[f"{i + 30}.png"]] == []

    def test_the_same_seed_gives_the_same_file_and_another_does_not(self, data):
        made = []
        for seed in (1, 1, 2):
            split_folder(data, seed=seed, force=True)
            made.append((data / "split.csv").read_bytes())
        assert made[0] == made[1] != made[2]

    def test_subjects_and_patients_stay_together(self, data):
        class OfPatients(Survey):
            def __call__(self, sample):
                facts = super().__call__(sample)
                return replace(facts, film=replace(facts.film, source=Source(patient=sample.identifier[0])))

        told = split_folder(data, survey=OfPatients())
        assert sum(subjects for _, subjects in told.values()) == 3  # 0. and 3. have films in common
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"{i:02},{i // 2}\n" for i in range(40)))
        told = split_folder(data, survey=OfPatients(), force=True)
        assert sum(subjects for _, subjects in told.values()) == 15

    def test_no_test_films_or_none_to_judge_by(self, data):
        assert split_folder(data, test=0)["test"] == (0, 0)
        assert split_folder(data, val=0, force=True)["val"] == (0, 0)
        assert set(self.sides(data).values()) == {"train", "test"}

    def test_a_split_is_replaced_only_if_forced_even_one_that_leaks(self, data):
        (data / "subjects.csv").write_text("image,subject\n" + "".join(f"{i:02},{i // 2}\n" for i in range(40)))
        (data / "split.csv").write_text("image,split\n00,train\n01,test\n")
        with pytest.raises(ExistsError, match=r"split\.csv: exists already"):
            split_folder(data)
        assert (data / "split.csv").read_text() == "image,split\n00,train\n01,test\n"
        split_folder(data, force=True)
        assert len(self.sides(data)) == 40

    def test_progress_is_told(self, data):
        told = []
        split_folder(data, progress=lambda *done: told.append(done))
        assert told == [(i, 40) for i in range(1, 41)]

    @pytest.mark.parametrize(("test", "val"), [(-0.1, 0.2), (0, 0), (0.5, 0.5), (float("nan"), 0.1)])
    def test_shares_out_of_range(self, data, test, val):
        with pytest.raises(SettingError, match="expected 0 or more each, and between 0 and 1 together"):
            split_folder(data, test=test, val=val)

    def test_a_split_in_another_table(self, data):
        (data / "films.csv").write_text("image,split\n07,train\n")
        with pytest.raises(SplitError, match=r"another table gives a split of '07\.png' as well"):
            split_folder(data)

    def test_a_broken_film_is_named_and_nothing_written(self, data):
        (data / "images" / "05.png").write_bytes(b"no film")
        with pytest.raises(ImageError, match=r"05\.png"):
            split_folder(data)
        assert not (data / "split.csv").exists()
