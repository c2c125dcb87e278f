"""Calibrating: a model's errors to expect, learned anew from other films, without training."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from landvote.data.sample import Sample
from landvote.errors import SettingError
from landvote.localiser import Conditions, Fitted, recalibrated
from landvote.models.films import FilmRow, read_films, seen_films, write_films
from landvote.models.train import load_model, read_beginning, read_manifest, seal
from landvote.runtime.files import StrPath, refuse_existing
from landvote.runtime.privacy import keyed_hash


def calibrate_model(
    model: StrPath, samples: Sequence[Sample], out: StrPath, conditions: Conditions | None = None
) -> Fitted:  # fmt: skip
    """Write a model folder ``out`` that expects the errors which ``model`` makes on the samples; all else is the same.

    Samples without points are passed over. The new model names ``model`` as its parent, and the samples as films that
    judged it. Of ``conditions`` the device, the listener, the stop token and the survey count.

    Raises:
        ExistsError: ``out`` exists.
        ModelError: ``model`` is unfinished, or a file of it is missing or altered.
        SettingError: a sample has a film that the model learned from, or one of a patient it knows; the samples are of
            other landmarks; no sample has points; or the model is of a landvote that knew one error alone.
        ImageError: a film cannot be read.
        StoppedError: the stop token asked for it.
    """
    model, out, under = Path(model), Path(out), conditions or Conditions()
    refuse_existing(out)
    localiser = load_model(model, under.device)
    pointed = [s for s in samples if s.annotations and not s.collapsed]
    if not pointed:
        raise SettingError(f"{len(samples)} films to calibrate on, of which none has points, expected some that do")
    if pointed[0].scheme.landmarks != localiser.scheme.landmarks:
        found = f"films with {len(pointed[0].scheme)} landmarks of scheme {pointed[0].scheme.name!r}"
        raise SettingError(f"{found}, expected those of the model's scheme {localiser.scheme.name!r}")
    facts, seen = under.surveyed(pointed), seen_films(model)
    for sample, known in zip(pointed, facts, strict=True):
        told = seen.told(known.film, keyed_hash(sample.named_subject))
        if told in ("train", "patient"):
            whose = "the model learned from it" if told == "train" else "the model knows another film of this patient"
            raise SettingError(f"{sample.identifier}: {whose}, expected films of patients that it does not know")
    fitted = recalibrated(localiser, pointed, under)
    manifest, rows = read_manifest(model), read_films(model)
    parent = localiser.model
    added = [FilmRow.of(sample, "val", known.film) for sample, known in zip(pointed, facts, strict=True)]
    if read_beginning(model).get("anonymous"):
        added = [row.hidden() for row in added]
    own = {(row.image, row.pixels_sha256) for row in added}
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".calibrating.", dir=out.absolute().parent) as temporary:
        made = Path(temporary) / out.name
        shutil.copytree(model, made)
        shutil.rmtree(made / "errors")
        files = {made / name for name in manifest["files"] if not name.startswith("errors/")}
        files |= set(fitted.localiser.save(made))
        write_films(made / "films.csv", [*(row for row in rows if (row.image, row.pixels_sha256) not in own), *added])
        held_out = {"held_out_error_px": [round(e, 3) for e in fitted.held_out]}
        seal(made, manifest | held_out | {"parent": parent, "calibrated_on": len(added), "left_out": 0}, files)
        if out.exists():  # an empty folder
            out.rmdir()
        made.replace(out)
    return replace(fitted, localiser=load_model(out, under.device))
