#!/bin/bash
# A real `ray up cluster-local.yaml` against two hosts that this machine pretends to have, for
# `make test-cluster`. Linux, as root; minutes. Needs sshd, ssh, rsync, ip and unshare (Debian:
# openssh-server openssh-client rsync iproute2 util-linux).
#
#   ray_up.sh [VENV]     environment with the project's packages; left out: .venv
set -eu
CHECKOUT=$(cd "$(dirname "$0")/../.." && pwd)
VENV=$(cd "${1:-$CHECKOUT/.venv}" && pwd) # the hosts need the whole path

if [ "$(id -u)" != 0 ]; then
  echo "this makes network namespaces and needs to be root; try: sudo make test-cluster" >&2
  exit 2
fi
for tool in sshd ssh rsync ip unshare; do
  if ! PATH=$PATH:/usr/sbin command -v "$tool" > /dev/null; then
    echo "$tool is missing; on Debian: apt-get install openssh-server rsync iproute2" >&2
    exit 2
  fi
done

LAB=$(mktemp -d /tmp/raylab.XXXX)
trap 'rm -rf "$LAB"' EXIT
ssh-keygen -q -t ed25519 -N '' -f "$LAB/key"
"$VENV/bin/python" "$CHECKOUT/tests/cluster/lab_yaml.py" "$LAB"
PATH=$PATH:/usr/sbin unshare -m -p -n -f --kill-child --mount-proc \
  bash "$CHECKOUT/tests/cluster/hosts.sh" "$LAB" "$CHECKOUT" "$VENV"
