#!/usr/bin/env bash
# A slice of a grid on a machine that is borrowed for some minutes, offline: only what is carried along is used there.
#
#   benchmarks/slice.sh pack SLICE GRID.toml RESULTS   at home: fill the folder SLICE
#   SLICE/slice.sh run SLICE MINUTES [OPTION...]       there: `landvote compare` with these options, such as --device cuda
#   benchmarks/slice.sh take SLICE RESULTS             at home: put what has come back into RESULTS
#
# SLICE holds landvote itself, the grid, the records of finished runs and the state of unfinished ones. The machine has
# Python and torch; put wheels of what else it lacks (in the versions of its Python) into SLICE/wheels before it leaves:
#
#   python3 -m pip download --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux_2_17_x86_64 \
#     -d SLICE/wheels pydantic pydantic-core annotated-types typing-inspection pydicom
#
# After the run SLICE/back.00, back.01, ... of at most PART MiB have to come back, and nothing else. The state of
# unfinished runs is among them if it fits into LIMIT MiB: a checkpoint of a U-Net has 5 times its weights, and there is
# one per stage: 200 MB for the networks of grids/paper.toml. A run that ends within its slice brings back 2 MB.
# Films are carried if DATA names their folder; a grid that simulates them does so there (0.1 s a film).
# A folder DATA given to `pack` goes with `--data SLICE/data` of `run`. The report is written at home.
set -euo pipefail
PYTHON=${PYTHON:-python3} PART=${PART:-15} LIMIT=${LIMIT:-60}

absolute() { (cd "$1" && pwd); }

# pack_up FOLDER PATH...: print the part of these paths that is there and fits, as a tar
pack_up() {
  local folder=$1 kept=() path
  shift
  for path in "$@"; do
    [ -e "$folder/$path" ] || continue
    if [ "$path" = unfinished ] && [ "$(du -sm "$folder/$path" | cut -f1)" -gt "$LIMIT" ]; then
      echo "slice: $folder/$path is over $LIMIT MiB and stays behind" >&2
    else
      kept+=("$path")
    fi
  done
  if [ ${#kept[@]} = 0 ]; then
    echo "slice: nothing to bring from $folder" >&2
  else
    tar -C "$folder" -czf - "${kept[@]}"
  fi
}

case ${1:-} in
  pack)
    here=$(absolute "$(dirname "$0")/..")
    mkdir -p "$2/src" "$2/wheels" "$2/results/runs"
    slice=$(absolute "$2")
    cp -R "$here/src/landvote" "$slice/src/"
    find "$slice/src" -name __pycache__ -prune -exec rm -r {} +
    "$PYTHON" - "$slice/src" <<'PY'
import sys
from importlib.metadata import distribution
from pathlib import Path

found = distribution("landvote")
folder = Path(sys.argv[1]) / f"landvote-{found.version}.dist-info"
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(found.read_text("METADATA"), encoding="utf-8")
PY
    cp "$3" "$slice/grid.toml"
    cp "$0" "$slice/slice.sh"
    [ -z "${DATA:-}" ] || cp -R "$DATA" "$slice/data"
    if [ -d "$4" ]; then
      find "$4" -path '*/runs/*.json' -exec cp {} "$slice/results/runs/" \; # the report alone needs the predictions
      [ ! -d "$4/unfinished" ] || pack_up "$4" unfinished | tar -C "$slice/results" -xzf -
    fi
    du -sm "$slice" | cut -f1 | sed 's/$/ MiB to carry/'
    ;;
  run)
    slice=$(absolute "$2") minutes=$3
    shift 3
    for wheel in "$slice"/wheels/*.whl; do
      [ ! -e "$wheel" ] || "$PYTHON" -m zipfile -e "$wheel" "$slice/site"
    done
    export PYTHONPATH=$slice/src:$slice/site
    status=0
    "$PYTHON" -m landvote compare "$slice/grid.toml" --out "$slice/results" --max-minutes "$minutes" --no-report "$@" ||
      status=$?
    [ "$status" = 0 ] || [ "$status" = 3 ] || echo "slice: landvote compare ended with status $status" >&2 # 3: stopped
    rm -f "$slice"/back.*
    pack_up "$slice/results" runs unfinished | split -d -b "${PART}M" - "$slice/back."
    find "$slice" -maxdepth 1 -name 'back.*' -exec du -m {} +
    ;;
  take)
    mkdir -p "$3"
    cat "$2"/back.* | tar -C "$3" -xzf -
    ;;
  *)
    sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
    exit 2
    ;;
esac
