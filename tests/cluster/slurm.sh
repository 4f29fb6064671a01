#!/bin/bash
# cluster-slurm.sh under a real slurmctld and slurmd on this machine, for `make test-slurm`: from sbatch to
# the report, ended by scancel in the middle, preempted, and gone on with. Linux, as root; minutes.
# Needs slurmctld, slurmd, munged, ip and unshare (Debian: slurm-wlm munge iproute2 util-linux).
#
#   slurm.sh [VENV]     environment with the project's packages; left out: .venv
set -eu
CHECKOUT=$(cd "$(dirname "$0")/../.." && pwd)
VENV=$(cd "${1:-$CHECKOUT/.venv}" && pwd)

if [ "$(id -u)" != 0 ]; then
  echo "this starts SLURM's daemons in namespaces and needs to be root; try: sudo make test-slurm" >&2
  exit 2
fi
for tool in slurmctld slurmd munged ip unshare; do
  if ! PATH=$PATH:/usr/sbin command -v "$tool" > /dev/null; then
    echo "$tool is missing; on Debian: apt-get install slurm-wlm munge iproute2" >&2
    exit 2
  fi
done

LAB=$(mktemp -d /tmp/slurmlab.XXXX)
trap 'rm -rf "$LAB"' EXIT
# Namespaces of its own: no network but loopback, and all processes end with it.
PATH=$PATH:/usr/sbin unshare -m -p -n -f --kill-child --mount-proc \
  bash "$CHECKOUT/tests/cluster/slurm_lab.sh" "$LAB" "$CHECKOUT" "$VENV"
