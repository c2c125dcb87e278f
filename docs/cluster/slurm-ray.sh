#!/usr/bin/env bash
# A grid on several nodes of a SLURM cluster, by Ray: sbatch slurm-ray.sh grids/paper.toml /shared/results
#SBATCH --job-name=landvote
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=16
#SBATCH --time=24:00:00
# For networks on graphics cards add --gpus-per-task=4 here, --num-gpus=4 and --device cuda below.
set -euo pipefail
grid=$1
results=$2 # seen by all nodes

# One token for all nodes, kept in the home folder, which they share: without it, whoever reaches the port can run code.
ray get-auth-token --generate >/dev/null
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
export RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300 # seconds for the nodes to find each other

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | awk '{ print $1 }'):6379
export RAY_ADDRESS=$address

srun --kill-on-bad-exit=1 ray symmetric-run --address "$address" --min-nodes "$SLURM_JOB_NUM_NODES" \
  --num-cpus="$SLURM_CPUS_PER_TASK" --include-dashboard=false -- \
  landvote compare "$grid" --out "$results" --engine ray
