"""Train on the films of a DATA folder, and score the model on films of other patients.

Usage: python train_and_locate.py DATA OUT [RECIPE]. Ctrl-C stops the training; the same command goes on with it.
"""

import signal
import sys
from pathlib import Path

import landvote
from landvote.errors import StoppedError
from landvote.runtime.events import Event, StageBegun, StepTaken


def tell(event: Event) -> None:
    """Print how the training goes."""
    if isinstance(event, StageBegun):
        print(f"the stage {event.stage} learns")
    elif isinstance(event, StepTaken) and event.step % 500 == 0:
        print(f"step {event.step}, {event.progress:.0%}, loss {event.loss:.3f}")


def main(data: Path, out: Path, name: str = "whdv") -> None:
    """Hold out a fifth of the patients, train on the others, locate the films held out, and write a report."""
    report = landvote.check_folder(data)
    if not report.ok:
        sys.exit(report.text())
    samples = landvote.read_folder(data, require_points=True)
    known, unseen = landvote.split_by_subject(samples, share=0.2, seed=0)
    recipe = landvote.recipe(name, scheme=samples[0].scheme)
    split = landvote.divide(known, recipe)
    for stage in recipe.stages_for(samples[0].scheme):
        stage.voter.prepare_process()  # threads and memory of this process, which is ours alone

    stop = landvote.StopToken()
    signal.signal(signal.SIGINT, lambda *_: stop.stop())
    conditions = landvote.Conditions(listener=tell, stop=stop)
    try:
        localiser = landvote.train_model(split, recipe, out / "model", conditions, resume=True).localiser
    except StoppedError as stopped:
        sys.exit(str(stopped))

    predictions = list(landvote.locate(localiser, unseen))
    landvote.save_predictions(out / "predictions.jsonl", predictions, force=True)
    evaluation = landvote.evaluate(predictions, unseen)
    page = landvote.write_report(evaluation, unseen, out / "report", force=True)
    print(evaluation.films.to_string(index=False))
    print(f"report: {page}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
