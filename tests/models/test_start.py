"""Starting from a model: trunks are kept, heads where the landmarks are the same; what does not fit is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from landvote.data.scheme import Scheme
from landvote.errors import ModelError, SettingError
from landvote.localiser import Conditions
from landvote.models import divide, load_model, train_model
from landvote.models.describe import describe_model
from landvote.models.films import seen_before
from landvote.runtime.events import Note, StepTaken
from landvote.runtime.privacy import keyed_hash
from toys import ELL, ell_sample, tiny, voter_of

pytestmark = pytest.mark.slow

FOUR = Scheme.numbered(4).model_copy(update={"name": "four corners", "reference": (0, 3)})
FEW = {"steps": 12, "judge_every": 12}


def split(first, scheme=ELL, chosen=None):
    """Return twelve films of the L from number ``first`` on; of other landmarks, but in the same places."""
    films = [ell_sample(i) for i in range(first, first + 12)]
    if scheme is not ELL:
        films = [replace(f, scheme=scheme, annotations={"": f.points[[1, 2, 4, 5]]}) for f in films]
    return divide(films, chosen or tiny("whdv", "validation=0.25"))


def train(folder, first, scheme=ELL, start=None, changes=(), listener=None, name="whdv", **others):
    chosen = tiny(name, "validation=0.25", *changes, **(FEW if name == "whdv" and first else {}))
    conditions = Conditions(device="cpu", start=start, **({} if listener is None else {"listener": listener}))
    return train_model(split(first, scheme), chosen, folder, conditions, **others).localiser


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """Return the folder of a model that has learned the L."""
    folder = tmp_path_factory.mktemp("parents") / "parent"
    train(folder, 0)
    return folder


def trunk_and_head(localiser, stage):
    weights = voter_of(localiser, stage).network.state_dict()
    return [{k: v for k, v in weights.items() if k.startswith("head.") == head} for head in (False, True)]


def losses(folder, **others):
    """Return the running mean of the losses of the local stage after equal few steps."""
    told = []
    train(folder, 20, listener=told.append, **others)
    return next(e.loss for e in reversed(told) if isinstance(e, StepTaken) and e.stage == "local")


@pytest.mark.parametrize(("scheme", "steps", "nearer"), [(ELL, 12, 0.4), (FOUR, 24, 0.92)])
def test_it_is_nearer_after_equal_few_steps_also_for_other_landmarks(parent, tmp_path, scheme, steps, nearer):
    alike = {"scheme": scheme, "changes": [f"local.training.steps={steps}"]}
    anew = losses(tmp_path / "anew", **alike)
    begun = losses(tmp_path / "begun", start=load_model(parent, "cpu"), **alike)
    assert begun < nearer * anew


def begun(start, folder, scheme, **others):
    """Return a localiser after steps that are too small to change a weight, but for statistics of activations."""
    return train(folder, 20, scheme, start, [f"{s}.training.rate=1e-30" for s in ("global", "local")], **others)


@pytest.mark.parametrize("scheme", [ELL, FOUR], ids=lambda s: s.name)
def test_trunks_are_the_parents_and_heads_where_the_scheme_is_the_same(parent, tmp_path, scheme):
    start = load_model(parent, "cpu")
    child = begun(start, tmp_path / "child", scheme)
    for stage in ("global", "local"):
        (trunk, head), (own_trunk, own_head) = trunk_and_head(start, stage), trunk_and_head(child, stage)
        learned = [k for k in trunk if not k.endswith(("running_mean", "running_var", "num_batches_tracked"))]
        assert all(torch.allclose(trunk[k], own_trunk[k]) for k in learned)
        kept = [own_head[k].shape == head[k].shape and torch.allclose(own_head[k], head[k]) for k in head]
        assert kept == [scheme is ELL] * len(head)


def test_its_hash_is_kept_told_and_compared(parent, tmp_path):
    start = load_model(parent, "cpu")
    train(tmp_path / "child", 20, FOUR, start)
    assert json.loads((tmp_path / "child" / "training.json").read_text())["model to start from"] == start.model
    card = describe_model(tmp_path / "child")
    assert card.parent == start.model
    assert dict(card.facts())["started from"] == f"model {start.model}"
    assert "started from" not in dict(describe_model(parent).facts())
    train(tmp_path / "child", 20, FOUR, start, resume=True)
    with pytest.raises(SettingError, match="was begun with another model to start from"):
        train(tmp_path / "child", 20, FOUR, resume=True)


def test_films_that_the_parent_has_seen_count_as_seen_and_flatter(parent, tmp_path):
    start = load_model(parent, "cpu")
    seen = {mark: [f for f in split(0).training + split(0).validation if start.locate(f.open()).seen == mark]
            for mark in ("train", "val")}  # fmt: skip
    child = train(tmp_path / "child", 20, FOUR, start)
    grandchild = train(tmp_path / "grandchild", 40, FOUR, load_model(tmp_path / "child", "cpu"))
    for one in (child, load_model(tmp_path / "child", "cpu"), grandchild):
        assert [{one.locate(f.open()).seen for f in seen[mark]} for mark in seen] == [{"train"}, {"val"}]
        assert one.locate(ell_sample(90).open()).seen == "no"
    train(tmp_path / "again", 2, FOUR, start)  # most of its films held out were learned from
    assert describe_model(tmp_path / "again").known > 0
    assert describe_model(tmp_path / "child").known == 0
    text = (tmp_path / "child" / "seen_before.json").read_text()
    assert ell_sample(0).identifier not in text
    assert keyed_hash(ell_sample(0).named_subject) in text
    (tmp_path / "child" / "seen_before.json").write_text(text.replace('"patients": []', '"patients": 3'))
    with pytest.raises(ModelError, match=r"seen_before\.json: .*expected hashes of films"):
        seen_before(tmp_path / "child")


@pytest.mark.parametrize(("change", "said"), [
    ("local.voter.width=6", r"voter\.width is 6, expected \d+ as in the model to start from"),
    ("global.voter.depth=3", r"voter\.depth is 3, expected \d+ as in the model to start from"),
])  # fmt: skip
def test_another_network_is_refused_and_nothing_is_left(parent, tmp_path, change, said):
    with pytest.raises(SettingError, match=said):
        train(tmp_path / "child", 20, start=load_model(parent, "cpu"), changes=[change])
    assert not list(tmp_path.rglob("*.json"))


def test_forests_neither_start_nor_are_started_from(parent, tmp_path):
    with pytest.raises(SettingError, match="a voter of kind 'forest' cannot start from a model"):
        train(tmp_path / "forest", 20, name="rfrv", start=load_model(parent, "cpu"))
    forest = train(tmp_path / "forest", 20, name="rfrv")
    with pytest.raises(SettingError, match="the model to start from has a voter of kind 'forest', expected 'network'"):
        train(tmp_path / "child", 20, start=forest)


def test_a_stage_without_a_counterpart_begins_anew_and_that_is_told(parent, tmp_path):
    start, told = load_model(parent, "cpu"), []
    coarse = replace(start, stages=start.stages[:1])
    child = train(tmp_path / "child", 20, start=coarse, listener=told.append)
    assert Note("the model to start from has no stage local, which begins anew") in told
    assert np.isfinite(child.locate(ell_sample(60).open()).points).any()
    renamed = replace(start.stages[0], settings=start.stages[0].settings.model_copy(update={"name": "other"}))
    with pytest.raises(SettingError, match="has the stages other, expected one of global, local"):
        train(tmp_path / "none", 20, start=replace(start, stages=(renamed,)))


def test_other_methods_share_a_trunk(parent, tmp_path):
    start = load_model(parent, "cpu")
    changes = [f"{s}.voter.method=ho" for s in ("global", "local")]
    child = train(tmp_path / "child", 20, start=start, changes=changes)
    assert not math.isnan(child.locate(ell_sample(60).open()).points[0, 0])
