#!/bin/bash
# Two pretended hosts on this machine, a real `ray up` on them, a study, and `ray down`. Run by
# ray_up.sh within namespaces of its own, which take everything with them when they end.
#
#   hosts.sh LAB CHECKOUT VENV     LAB: scratch folder; VENV: environment with the project's packages
#
# Each host has its own network, processes, mounts, name, /tmp, /root and /dev/shm, and an sshd. No
# host has a route out.
set -eu
LAB=$1 CHECKOUT=$2 VENV=$3
PYROOT=$(dirname "$(dirname "$(readlink -f "$VENV/bin/python")")")

ip link set lo up
mkdir -p /run/netns
mount -t tmpfs tmpfs /run/netns
ip link add br0 type bridge
ip addr add 10.77.0.254/24 dev br0
ip link set br0 up

cat > "$LAB/sshd_config" <<C
Port 22
HostKey /tmp/hostkey
PidFile none
PermitRootLogin yes
PasswordAuthentication no
UsePAM no
StrictModes no
AuthorizedKeysFile /root/.ssh/authorized_keys
C

cat > "$LAB/host.sh" <<'H'
set -eu
NAME=$1 LAB=$2 VENV=$3 PYROOT=$4
hostname "$NAME"
mount -t tmpfs -o size=64m tmpfs /mnt
mkdir -p /mnt/venv /mnt/py /mnt/h
mount --bind "$VENV" /mnt/venv
mount --bind "$PYROOT" /mnt/py
cp "$LAB/sshd_config" "$LAB/key.pub" /mnt/h/
mount -t tmpfs -o size=3g tmpfs /tmp
chmod 1777 /tmp
mount -t tmpfs -o size=1500m tmpfs /root
mkdir -p /root/.ssh "$VENV" "$PYROOT"
chmod 700 /root /root/.ssh
mount --bind /mnt/venv "$VENV"
mount --bind /mnt/py "$PYROOT"
cp /mnt/h/key.pub /root/.ssh/authorized_keys
# Ray finds its own address by name; without this the head would listen on loopback alone.
printf '127.0.0.1 localhost\n10.77.0.1 h1\n10.77.0.2 h2\n' > /mnt/h/hosts
mount --bind /mnt/h/hosts /etc/hosts
mount -t tmpfs -o size=1500m tmpfs /dev/shm
mount -t tmpfs -o size=16m tmpfs /run
mkdir -p /run/sshd
echo "export PATH=$VENV/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" > /root/.bashrc
echo '. ~/.bashrc' > /root/.bash_profile
ssh-keygen -q -t ed25519 -N '' -f /tmp/hostkey
exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/sbin/sshd -D -e -f /mnt/h/sshd_config
H

for n in 1 2; do
  ip netns add "h$n"
  ip link add "v$n" type veth peer name eth0 netns "h$n"
  ip link set "v$n" master br0
  ip link set "v$n" up
  ip -n "h$n" addr add "10.77.0.$n/24" dev eth0
  ip -n "h$n" link set lo up
  ip -n "h$n" link set eth0 up
  ip netns exec "h$n" unshare -m -p -u -f --kill-child --mount-proc \
    bash "$LAB/host.sh" "h$n" "$LAB" "$VENV" "$PYROOT" > "$LAB/h$n.log" 2>&1 &
done
sleep 3

export HOME=$LAB/home PATH=$VENV/bin:$PATH RAY_UP_enable_autoscaler_v2=0 RAY_AUTH_MODE=token
mkdir -p "$HOME/.ray"
ray get-auth-token --generate > /dev/null 2>&1
YAML=$LAB/cluster-local.yaml
cd "$CHECKOUT"
step() { printf '\n== %s\n' "$*"; }

step "ray up"
ray up -y --no-config-cache "$YAML"

step "the worker joins"
for _ in $(seq 60); do
  ray exec "$YAML" 'ray status' 2> /dev/null | tee "$LAB/status.txt" | grep -q '2 local.cluster.node' && break
  sleep 2
done
grep '2 local.cluster.node' "$LAB/status.txt"

step "the study"
ray exec "$YAML" "cd energy && python -m study.regime --address auto --smoke --name lab" > "$LAB/said.txt" \
  || { cat "$LAB/said.txt"; exit 1; }
cat "$LAB/said.txt"
# The hosts share no disk, which is said before the start.
grep -q "warning .*h2: cannot write to /root/energy/results/lab" "$LAB/said.txt"

step "the report comes back"
mkdir -p "$LAB/results"
ray rsync-down "$YAML" /root/energy/results/ "$LAB/results/"
test -s "$LAB/results/lab/report/index.html"
python - "$LAB/results/lab" <<'P'
import sys
import pandas as pd
epochs = pd.read_parquet(f"{sys.argv[1]}/epochs.parquet")
trials = pd.read_parquet(f"{sys.argv[1]}/trials.parquet")
print(trials[["trial_id", "status", "node", "epochs", "energy_j", "energy_method"]].to_string())
assert set(trials["status"]) == {"finished"}, "a trial has not finished"
assert set(epochs["node"]) == {"h1", "h2"}, f"hosts that trained: {set(epochs['node'])}"
assert (epochs["epoch_energy_j"] > 0).all(), "an epoch has no energy"
P

on_host() { # on_host N COMMAND...
  ssh -q -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i "$LAB/key" "root@10.77.0.$1" "${@:2}"
}
rays() { # the processes of Ray on a host; fails where the host cannot be asked
  on_host "$1" 'ps -eo args= | grep -E "[r]aylet|[g]cs_server|[r]ay::|[l]og_monitor|[r]ay/dashboard" || test $? = 1'
}

step "ray down"
for n in 1 2; do
  test -n "$(rays $n)" || { echo "no Ray on h$n before ray down: this check sees nothing"; exit 1; }
done
ray down -y "$YAML"
# It stops Ray on the head alone where the machines are one's own; see docs/cluster.md.
on_host 2 'source ~/.bashrc; ray stop'
for n in 1 2; do
  left=$(rays $n)
  test -z "$left" || { echo "left on h$n: $left"; exit 1; }
  echo "nothing left on h$n"
done
step "done"
