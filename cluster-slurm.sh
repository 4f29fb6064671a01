#!/bin/bash
# A study under SLURM. Edit the lines marked EDIT, then:
#
#   NAME=first sbatch cluster-slurm.sh                     the report lies in $RESULTS/first/report/index.html
#   NAME=first sbatch cluster-slurm.sh                     once more: goes on where scancel or a limit has ended it
#   NAME=many sbatch --array=0-2 cluster-slurm.sh          one study for each line of STUDIES
#
# docs/slurm.md says what happens. Nodes need no internet; all is installed beforehand, once.
#SBATCH --job-name=energy
#SBATCH --nodes=1                       # EDIT 1: machines; for more than one also: #SBATCH --exclusive
#SBATCH --ntasks-per-node=1             # (one Ray on each)
#SBATCH --cpus-per-task=8               # EDIT 2: CPUs of each machine
#SBATCH --gres=gpu:1                    # EDIT 3: GPUs of each machine; delete the line where there are none
#SBATCH --time=24:00:00                 # EDIT 4: then the job stops in good order, and is queued again
#SBATCH --signal=B:USR1@180             # (so many seconds before)
#SBATCH --requeue
#SBATCH --open-mode=append
set -u
VENV=${VENV:-$HOME/energy/.venv}  # EDIT 5: where the project is installed; all machines see it
RESULTS=${RESULTS:-$HOME/results}               # EDIT 6: where studies lie; all machines see it
SCRATCH=${SCRATCH:-/tmp}                        # EDIT 7: a folder of each machine's own, with a short name
STUDIES=(                                       # EDIT 8: what is run; of an array one line each
  "study.regime --scenario watch"
  "study.search --scenario watch --goal energy-to-target --target 0.8"
  "study.regime --scenario watch --axis optimizer=adam,sgd"
)

TASK=${SLURM_ARRAY_TASK_ID:-}
NAME=${NAME:-energy-${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}}${TASK:+-$TASK}
test -x "$VENV/bin/python" || { echo "VENV=$VENV holds no environment; edit it in this script" >&2; exit 2; }
export PATH=$VENV/bin:$PATH
export OMP_NUM_THREADS=1 WANDB_MODE=${WANDB_MODE:-offline} HF_HUB_OFFLINE=1
export RAY_USAGE_STATS_ENABLED=0 RAY_USAGE_STATS_REPORT_URL=http://127.0.0.1:9
CPUS=${SLURM_CPUS_PER_TASK:-1} GPUS=${SLURM_GPUS_ON_NODE:-0}

# Ray's sockets, logs and unpacked code: on this machine's own disk, for nobody else.
umask 077
RAY_TMPDIR=$(mktemp -d "$SCRATCH/rayXXXX") || exit 2
export RAY_TMPDIR
trap 'rm -rf "$RAY_TMPDIR"' EXIT

study=(python -m ${STUDIES[${TASK:-0}]} --results-dir "$RESULTS" --name "$NAME" "$@")
test -e "$RESULTS/$NAME/study.json" && study+=(--resume)
echo "$(date -Is) job $SLURM_JOB_ID on $SLURM_JOB_NODELIST: ${study[*]}"

if [ "$SLURM_JOB_NUM_NODES" = 1 ]; then
  # A Ray of its own, of as many processors as the job has: others may be on the machine.
  export RAY_OVERRIDE_RESOURCES="{\"CPU\": $CPUS}"
  "${study[@]}" &
  driver() { echo "$job"; }
else
  # One Ray over all machines, which must be the job's own: `ray stop` at the end ends every Ray of yours there.
  export RAY_AUTH_MODE=token RAY_AUTH_TOKEN
  RAY_AUTH_TOKEN=$(python -c 'import secrets; print(secrets.token_hex(32))')
  OWN=$(hostname -I | cut -d ' ' -f 1)
  HEAD=${OWN:-127.0.0.1}:$((20000 + SLURM_JOB_ID % 10000))
  export PIDFILE=$RAY_TMPDIR/driver RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300
  # SLURM ends a job by SIGTERM to all of its processes: Ray is to be there until the study has ended.
  signals() { echo "import os, signal, sys; signal.pthread_sigmask(signal.SIG_$1, [signal.SIGTERM]); os.execvp(sys.argv[1], sys.argv[1:])"; }
  srun --export=ALL python -c "$(signals BLOCK)" \
    bash -c 'mkdir -p -m 700 "$RAY_TMPDIR"; trap "rm -rf $RAY_TMPDIR" EXIT; "$@"' - ray symmetric-run --address "$HEAD" --min-nodes "$SLURM_JOB_NUM_NODES" \
    --num-cpus="$CPUS" --num-gpus="$GPUS" --disable-usage-stats -- \
    bash -c 'echo $$ > "$PIDFILE"; exec "$@"' - python -c "$(signals UNBLOCK)" "${study[@]}" --address "$HEAD" &
  driver() { cat "$RAY_TMPDIR/driver"; }
fi
job=$!

# Time is nearly up: the study alone is told to stop; it writes its results and its report. What scancel and
# preemption send reaches it without us.
again=
trap 'again=yes; kill -TERM "$(driver)"' USR1
trap : TERM
while :; do # a signal ends `wait`, and not the study
  wait "$job"
  status=$?
  if [ "$status" -le 128 ] || ! kill -0 "$job" 2> /dev/null; then break; fi
done
echo "$(date -Is) job $SLURM_JOB_ID: exit status $status"
[ -n "$again" ] && scontrol requeue "$SLURM_JOB_ID"
exit "$status"
