#!/usr/bin/env bash
# A grid as a SLURM job array, without Ray: sbatch slurm-array.sh grids/paper.toml /shared/results
#SBATCH --job-name=landvote
#SBATCH --array=1-8
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
#SBATCH --requeue
set -euo pipefail
grid=$1
results=$2 # seen by all nodes

landvote compare "$grid" --out "$results" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "$SLURM_CPUS_PER_TASK"
