#!/bin/bash
# One machine with SLURM and two boards that are emulated, and jobs on it. Run by slurm.sh within namespaces
# of its own, which take everything with them when they end.
#
#   slurm_lab.sh LAB CHECKOUT VENV     LAB: scratch folder; VENV: environment with the project's packages
set -eu
LAB=$1 CHECKOUT=$2 VENV=$3
HOST=$(hostname -s)
CPUS=$(nproc)
ADDRESS=10.77.0.1
ip link set lo up
ip link add br0 type bridge # nowhere leads out of here; a machine's address that is not loopback is needed
ip addr add "$ADDRESS/24" dev br0
ip link set br0 up
mount -t tmpfs tmpfs /run
printf '127.0.0.1 localhost\n%s %s\n' "$ADDRESS" "$HOST" > "$LAB/hosts"
mount --bind "$LAB/hosts" /etc/hosts

# munge: SLURM's daemons and commands know each other by it.
mkdir -p "$LAB/munge"
dd if=/dev/urandom bs=1 count=1024 of="$LAB/munge/key" 2> /dev/null
chmod 700 "$LAB/munge"
chmod 400 "$LAB/munge/key"
munged --force --key-file="$LAB/munge/key" --socket="$LAB/munge/socket" --pid-file="$LAB/munge/pid" \
  --log-file="$LAB/munge/log" --seed-file="$LAB/munge/seed"

# Two partitions, so that a job of the one takes the machine from a job of the other.
mkdir -p "$LAB/state" "$LAB/spool" "$LAB/home" "$LAB/results"
# Devices that SLURM can hand out; what they are is of no matter.
mknod "$LAB/board0" c 1 3
mknod "$LAB/board1" c 1 3
cat > "$LAB/gres.conf" <<C
Name=gpu File=$LAB/board0,$LAB/board1
C
cat > "$LAB/slurm.conf" <<C
ClusterName=lab
SlurmctldHost=$HOST($ADDRESS)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$LAB/munge/socket
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
ReturnToService=2
StateSaveLocation=$LAB/state
SlurmdSpoolDir=$LAB/spool
SlurmctldPidFile=$LAB/slurmctld.pid
SlurmdPidFile=$LAB/slurmd.pid
SlurmctldLogFile=$LAB/slurmctld.log
SlurmdLogFile=$LAB/slurmd.log
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=120
SchedulerParameters=sched_interval=2,requeue_delay=1
NodeName=$HOST NodeAddr=$ADDRESS CPUs=$CPUS Gres=gpu:2 State=UNKNOWN
PartitionName=low Nodes=$HOST Default=YES PriorityTier=1 State=UP
PartitionName=high Nodes=$HOST PriorityTier=2 PreemptMode=OFF State=UP
C
export SLURM_CONF=$LAB/slurm.conf
slurmctld
slurmd -N "$HOST" 2> /dev/null || slurmd
for _ in $(seq 60); do sinfo -h -o %T 2> /dev/null | grep -q idle && break; sleep 1; done
sinfo || { cat "$LAB/slurmctld.log" "$LAB/slurmd.log"; exit 1; }

step() { printf '\n== %s\n' "$*"; }
waits_for() { # waits_for SECONDS WHAT COMMAND...
  local left=$1 what=$2
  shift 2
  until "$@"; do
    left=$((left - 1))
    if [ "$left" -le 0 ]; then
      echo "not within its time: $what"
      tail -n 60 "$LAB"/*.out "$LAB/slurmctld.log" "$LAB/slurmd.log"
      exit 1
    fi
    sleep 1
  done
}
state() { scontrol -o show job "$1" 2> /dev/null | grep -o 'JobState=[A-Z]*' | cut -d = -f 2; }
has_ended() { case $(state "$1") in COMPLETED | FAILED | CANCELLED | TIMEOUT | PREEMPTED) ;; *) return 1 ;; esac; }
two_wait() { # of the job that was begun last
  if has_ended "$job"; then
    cat "$LAB"/*-"$job".out
    echo "it ended before two trainings waited"
    exit 1
  fi
  [ "$(find "$LAB/gate" -name 'waits-*' | wc -l)" -ge 2 ]
}
is_in() { [ "$(state "$1")" = "$2" ]; }
hold() { rm -f "$LAB"/gate/waits-*; echo 2 > "$LAB/gate/epochs"; }
let_go() { rm -f "$LAB/gate/epochs"; }

# The study's own way to be held in its third epoch, and its boards.
eval "$("$VENV/bin/python" "$CHECKOUT/tests/cluster/slurm_world.py" "$LAB")"
export VENV RESULTS=$LAB/results HOME=$LAB/home SCRATCH=/tmp PYTHONPATH=$CHECKOUT
cd "$CHECKOUT"

# The script with its lines edited, as a user edits them.
HELD="study.regime --scenario tests.end_to_end.held:Held --repeats 1 --batch-sizes 128 --max-epochs 4 --patience 4"
sed -e 's/--cpus-per-task=8/--cpus-per-task=2/' -e 's/--gres=gpu:1/--gres=gpu:2/' \
  -e "s|^  \"study.regime --scenario watch\"$|  \"$HELD --learning-rates 0.1 0.01\"|" \
  -e "s|^  \"study.search .*|  \"study.regime --scenario tests.end_to_end.scenarios:Tiny --repeats 1 --batch-sizes 128 --learning-rates 0.1 --max-epochs 2\"|" \
  cluster-slurm.sh > "$LAB/job.sh"
grep -q Held "$LAB/job.sh" && grep -q Tiny "$LAB/job.sh" && grep -q gpu:2 "$LAB/job.sh"
submit() { # submit NAME [OPTION...]
  local name=$1
  shift
  NAME=$name sbatch --parsable --output "$LAB/$name-%j.out" "$@"
}
said() { cut -c -200 "$LAB/$1-$job.out"; }
looks_at() { "$VENV/bin/python" - "$LAB/results/$1" "$2" << 'P'
import json, sys
import pandas as pd
folder, wanted = sys.argv[1:]
epochs = pd.read_parquet(f"{folder}/epochs.parquet")
trials = pd.read_parquet(f"{folder}/trials.parquet")
print(trials[["trial_id", "status", "attempts", "epochs", "energy_j", "energy_method", "wasted_energy_j"]].to_string())
status = json.load(open(f"{folder}/study.json"))["status"]
assert status == wanted, f"the study is {status}"
assert (epochs["gpu_energy_j"] > 0).all() or "cpu" in epochs["device_uuid"].iloc[0], "an epoch has no energy"
if wanted == "finished":
    assert set(trials["status"]) == {"finished"}, "a trial has not finished"
P
}

step "a job, ended by scancel in its third epoch"
job=$(submit first "$LAB/job.sh")
waits_for 180 "two trainings that wait" two_wait
scancel "$job"
waits_for 180 "the end of the job" has_ended "$job"
said first
looks_at first interrupted

step "the same command once more"
let_go
job=$(submit first "$LAB/job.sh")
waits_for 240 "the end of the job" has_ended "$job"
said first
is_in "$job" COMPLETED
looks_at first finished
test -s "$LAB/results/first/report/index.html"

step "a job that is preempted, and goes on"
hold
job=$(submit second "$LAB/job.sh")
waits_for 180 "two trainings that wait" two_wait
other=$(sbatch --parsable --partition high --gres=gpu:2 --output "$LAB/other.out" --wrap "sleep 5")
waits_for 240 "the other job has run" has_ended "$other"
let_go
waits_for 300 "the end of the job" has_ended "$job"
said second
is_in "$job" COMPLETED
looks_at second finished
test -s "$LAB/results/second/report/index.html"

step "an array, a study for each line"
job=$(submit many --array=1-1 "$LAB/job.sh")
waits_for 240 "the end of the array" has_ended "${job}_1"
looks_at many-1 finished

step "a Ray over all machines of the job, by symmetric-run"
sed -e 's/NUM_NODES" = 1/NUM_NODES" = 0/' "$LAB/job.sh" > "$LAB/together.sh"
hold
job=$(submit together "$LAB/together.sh")
waits_for 240 "two trainings that wait" two_wait
scancel "$job"
waits_for 240 "the end of the job" has_ended "$job"
said together
looks_at together interrupted
let_go
job=$(submit together "$LAB/together.sh")
waits_for 300 "the end of the job" has_ended "$job"
said together
is_in "$job" COMPLETED
looks_at together finished

step "nothing is left"
! pgrep -f 'raylet|gcs_server' || exit 1
! ls -d /tmp/ray?????? 2> /dev/null || exit 1
step "done"
