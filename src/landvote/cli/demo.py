"""The demonstration: simulate hips, train on most, locate the rest, write the report, each by a verb's own function."""

from collections.abc import Callable
from pathlib import Path

from landvote.cli.progress import counting, locating, training
from landvote.datasets.folder import read_folder
from landvote.evaluation import evaluate
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.localiser import Conditions
from landvote.models import divide, train_model
from landvote.models.locate import locate_files
from landvote.phantom import simulate_folder
from landvote.recipes import recipe
from landvote.reports.evaluation import write_report
from landvote.runtime.files import expect_folder, refuse_existing, write_text

_FILMS, _TEST = 120, 20
_SETTINGS = (  # coarser grids than the recipe's own, and steps for minutes, not hours
    "validation=0.08", "global.size=[128, 96]", "local.size=[128, 128]",
    # steps, not minutes: on a busy machine the demonstration takes longer, and comes out as well
    *(f"{stage}.network.sigma=4" for stage in ("global", "local")),
    *(f"{stage}.training.{change}" for stage in ("global", "local")
      for change in ("batch=4", "rate=0.002", "steps=1000", "judge_every=250")),
    *(f"outline.training.{change}" for change in ("batch=4", "rate=0.002", "steps=700", "judge_every=350")),
)  # fmt: skip


def run_demo(out: Path, device: str, say: Callable[[str], None]) -> Path:
    """Run the demonstration in an empty folder; return the path of its report.

    Raises:
        ExistsError: ``out`` is not empty.
        MissingExtraError: torch is not installed.
    """
    expect_folder(out)
    refuse_existing(out)
    data, model, predictions = out / "data", out / "model", out / "predictions.jsonl"
    chosen = recipe("whdv", _SETTINGS)
    for stage in chosen.stages:
        stage.voter.prepare_process()

    say(f"1/4 simulating {_FILMS} films of children's hips")
    with counting("simulating") as update:
        simulate_folder(data, _FILMS, seed=1, progress=lambda done: update(done, _FILMS))
    names = [s.identifier for s in read_folder(data)]
    uses = [f"{name},{'test' if i >= _FILMS - _TEST else 'train'}" for i, name in enumerate(names)]
    write_text(data / "split.csv", "\n".join(["image,split", *uses]) + "\n")

    say(f"2/4 training WHDV on {_FILMS - _TEST} of them")
    samples = read_folder(data, require_points=True)
    with training() as listener:
        conditions = Conditions(device=device, listener=listener, foretell=True)
        localiser = train_model(divide(samples, chosen), chosen, model, conditions).localiser

    say(f"3/4 locating 58 landmarks in the {_TEST} films kept apart")
    test = [s for s in samples if s.split == "test"]
    films = [data / "images" / s.identifier for s in test]
    with locating() as listener:
        write_predictions(predictions, locate_files(localiser, films, out / "overlays", listener))

    say("4/4 writing the report")
    return write_report(evaluate(read_predictions(predictions), test), test, out / "report")
