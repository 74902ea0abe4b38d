#!/usr/bin/env bash
# Runs a command beside a Slurm of its own: munged, slurmctld and slurmd of one node, this machine, as the current user, with all
# their files in a temporary folder. SLURM_CONF tells sbatch, squeue and scancel about it. Everything ends with the command.
#   with_slurm.sh COMMAND...
# Exit code: the command's; 124 when it takes more than 4 minutes; 77, with the reason, where Slurm is not installed (Debian: slurm-wlm, munge) or does not start.
set -euo pipefail
skip() { echo "with_slurm.sh: $*" >&2; exit 77; }

PATH=$PATH:/usr/sbin
for program in munged slurmctld slurmd sbatch; do
  command -v "$program" >/dev/null || skip "$program is not installed (apt-get install slurm-wlm munge)"
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/saccade-slurm-XXXXXX")
chmod 755 "$dir"
daemons=()
stop() {
  timeout 5 scancel --quiet --user="$(id -un)" 2>/dev/null || true
  for process in "${daemons[@]}"; do kill "$process" 2>/dev/null || true; done
  for process in "${daemons[@]}"; do wait "$process" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap stop EXIT

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 20000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}
mkdir "$dir/state" "$dir/spool" "$dir/munge"
chmod 711 "$dir/munge"
head -c 1024 /dev/urandom >"$dir/munge/key"
chmod 600 "$dir/munge/key"
cat >"$dir/slurm.conf" <<CONF
ClusterName=saccade
SlurmctldHost=$(hostname)(127.0.0.1)
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=$(free_port)
SlurmdPort=$(free_port)
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
CredType=cred/munge
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0
NodeName=here NodeHostname=$(hostname) NodeAddr=127.0.0.1 CPUs=$(nproc) RealMemory=$(awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$dir/slurm.conf

munged --foreground --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
  --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" >"$dir/munged.out" 2>&1 &
daemons+=($!)
slurmctld -D >"$dir/slurmctld.out" 2>&1 &
daemons+=($!)
slurmd -D -N here >"$dir/slurmd.out" 2>&1 &
daemons+=($!)
for _ in $(seq 300); do
  [ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ] && break
  for process in "${daemons[@]}"; do
    kill -0 "$process" 2>/dev/null || skip "a daemon of Slurm ended: $(tail -qn 2 "$dir"/*.out "$dir"/*.log | tr '\n' ' ')"
  done
  sleep 0.1
done
[ "$(sinfo --noheader --format=%t 2>/dev/null)" = idle ] || skip "the node did not come up: $(tail -n 3 "$dir/slurmd.log" | tr '\n' ' ')"
timeout 240 "$@"
