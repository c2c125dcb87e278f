"""Decisions: when a model is due, which films it never sees, and which model proposes."""

from __future__ import annotations

import pytest

from landvote.review.learning.deciding import Standing, best, better, compared, next_training, uses


@pytest.mark.parametrize(
    ("learned", "forest", "network"),
    [(None, 5, 25), (2, 5, 12), (5, 8, 15), (10, 13, 20), (12, 15, 22), (40, 50, 60), (100, 125, 150)],
)
def test_a_model_is_due_at_five_films_and_when_they_have_grown_by_a_quarter(learned, forest, network):
    assert next_training(learned) == forest
    assert next_training(learned, "network") == network


def groups(count, town=""):
    return {f"film-{i}": f"{town}patient {i}" for i in range(count)}


def test_few_films_are_all_learned_from_and_one_film_alone_does_not_judge_forests():
    for count in (2, 5, 9):  # the trainer leaves them out in turn
        assert set(uses(groups(count), "forest").values()) == {"train"}
        assert set(uses(groups(count), "network").values()) == {"train"}
    towns = [groups(10, f"town {k}, ") for k in range(40)]
    held = [list(uses(town, "network").values()).count("test") for town in towns]
    judging = [list(uses(town, "forest").values()).count("val") for town in towns]
    assert {0, 1, 2} < set(held)
    assert judging == [2 if count == 1 else count for count in held]


def test_one_in_five_is_held_out_the_same_ones_whatever_films_come_later():
    held = {}
    for count in (10, 20, 40, 200):
        network, forest = uses(groups(count), "network"), uses(groups(count), "forest")
        held[count] = {image for image, use in network.items() if use == "test"}
        assert held[count] <= {image for image, use in forest.items() if use == "val"}
        assert set(forest.values()) == {"train", "val"}
    assert held[10] <= held[20] <= held[40] <= held[200]
    assert 25 <= len(held[200]) <= 55


def test_films_of_a_patient_stay_together_and_uses_that_the_data_name_stand():
    both = {f"film-{i}": f"patient {i // 2}" for i in range(60)}
    found = uses(both, "network", {"film-0": "val", "film-1": "val", "other": "test"})
    assert all(found[f"film-{2 * i}"] == found[f"film-{2 * i + 1}"] for i in range(30))
    assert found["film-0"] == "val"
    assert "other" not in found


FILMS = "abcde"


def off(*errors, films=FILMS):
    return dict(zip(films, errors, strict=True))


def standing(name, kind, films, errors=()):
    return Standing(name, kind, films, dict(errors))


def test_the_model_with_less_error_on_the_same_films_proposes():
    forest = standing("1", "forest", 25, off(2, 2, 2, 2, 2, 0, films="abcdef"))
    network = standing("2", "network", 25, off(1, 1, 1, 1, 1, 99, films="abcdeg"))
    assert compared(forest, network) == list(FILMS)
    assert better(forest, network) is network
    assert better(network, forest) is network
    assert best([forest, network, standing("3", "forest", 40, off(1.1, 1.1, 1.1, 1, 1))]).name == "2"


def test_where_too_few_films_are_held_out_the_later_model_of_a_kind_proposes_and_no_other_kind_takes_over():
    given = standing("given", "given", 0, off(9, 9, 9, 9, films="abcd"))
    forest, more = standing("1", "forest", 5), standing("2", "forest", 8, off(1, 1, 1, 1, films="abcd"))
    assert better(forest, more) is more
    assert best([given, forest, more]) is given
    assert best([forest, standing("3", "network", 25, off(0.1, 0.1, films="ab"))]) is forest


def test_a_model_of_more_films_takes_over_unless_it_is_clearly_worse():
    forest = standing("1", "forest", 10, off(1, 1, 1, 1, 1))
    for errors, name in (((1.05,) * 5, "2"), ((1.2,) * 5, "1"), ((9, 1, 1, 1, 1), "2")):
        assert better(forest, standing("2", "forest", 13, off(*errors))).name == name
    assert better(forest, standing("2", "network", 25, off(1.05, 1.05, 1.05, 1.05, 1.05))).name == "1"


def test_films_annotated_without_a_proposal_alone_count_where_they_suffice():
    films = FILMS + FILMS.upper()
    forest = standing("1", "forest", 25, off(*[0.1] * 5, *[3.0] * 5, films=films))
    network = standing("2", "network", 25, off(*[9.0] * 5, *[1.0] * 5, films=films))
    assert better(forest, network) is forest
    assert better(forest, network, set(FILMS.upper())) is network
    assert better(forest, network, set("ABCD")) is forest
