#!/usr/bin/env bash
# A slice of a grid on a machine that is borrowed for some minutes, offline: only what is carried along is used there.
#
#   benchmarks/slice.sh pack SLICE GRID.toml RESULTS   at home: fill the folder SLICE
#   benchmarks/slice.sh wheels SLICE 3.12              at home: what that Python lacks, into SLICE.wheels.0, .1, ...
#   SLICE.wheels.0/slice.sh unpack SLICE.wheels.0 SITE there, for each of these: into the folder SITE
#   SLICE/slice.sh run SLICE MINUTES [OPTION...]       there: `landvote compare` with these options, such as --device cuda
#   benchmarks/slice.sh take SLICE RESULTS             at home: put what has come back into RESULTS
#
# SLICE holds landvote itself, the grid, the records of finished runs and the state of unfinished ones. The machine has
# Python and torch, with what torch needs, and SITE if all else it lacks was brought there (`run` looks where the
# variable SITE says). A folder of wheels has at most LIMIT MiB: where not more can be carried at a time, bring and unpack
# one after the other. Wheels are fetched from the package index in the versions installed at home, for the Python and
# the PLATFORM of the machine, or taken from the folder WHEELS.
#
# After the run SLICE/back.00, back.01, ... of at most PART MiB have to come back, and nothing else. The state of
# unfinished runs is among them if it fits into LIMIT MiB: a checkpoint of a U-Net has 5 times its weights, and there is
# one per stage: 200 MB for the networks of grids/paper.toml. A run that ends within its slice brings back 2 MB.
# Films are carried if DATA names their folder; a grid that simulates them does so there (0.1 s a film).
# A folder DATA given to `pack` goes with `--data SLICE/data` of `run`. The report is written at home.
set -euo pipefail
PYTHON=${PYTHON:-python3} PART=${PART:-15} LIMIT=${LIMIT:-60} PLATFORM=${PLATFORM:-manylinux_2_28_x86_64}

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

# needed: print what landvote needs beside torch, and beside what only reports need, as requirements
needed() {
  "$PYTHON" - <<'PY'
import re
from importlib.metadata import distributions, requires

def plain(name):
    return re.match(r"[\w.-]+", name)[0].lower().replace("_", "-")

versions = {plain(d.name): d.version for d in distributions()}

def names(package):
    asked = (r for r in requires(package) or () if "extra ==" not in r or (package == "landvote" and "networks" in r))
    return {plain(r) for r in asked} & versions.keys()

found, left = set(), names("landvote") - {"torch", "matplotlib", "jinja2"}
while left:
    found |= left
    left = set().union(*map(names, left)) - found
print(*sorted(f"{name}=={versions[name].split('+')[0]}" for name in found))
PY
}

case ${1:-} in
  pack)
    here=$(absolute "$(dirname "$0")/..")
    mkdir -p "$2/src" "$2/results/runs"
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
  wheels)
    if [ -z "${WHEELS:-}" ]; then
      WHEELS=$(mktemp -d)
      trap 'rm -r "$WHEELS"' EXIT
      needed | xargs "$PYTHON" -m pip download -q --no-deps --only-binary=:all: --python-version "$3" \
        --platform "$PLATFORM" --platform manylinux_2_17_x86_64 -d "$WHEELS"
    fi
    rm -rf "$2".wheels.*
    number=0
    for wheel in "$WHEELS"/*.whl; do
      [ "$(du -cb "$2.wheels.$number"/* "$wheel" 2>/dev/null | tail -1 | cut -f1)" -le $((LIMIT << 20)) ] ||
        number=$((number + 1))
      mkdir -p "$2.wheels.$number"
      cp "$wheel" "$0" "$2.wheels.$number"
    done
    du -sm "$2".wheels.*
    ;;
  unpack)
    for wheel in "$2"/*.whl; do
      "$PYTHON" -m zipfile -e "$wheel" "$3"
    done
    ;;
  run)
    slice=$(absolute "$2") minutes=$3
    shift 3
    export PYTHONPATH=$slice/src${SITE:+:$(absolute "$SITE")}
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
