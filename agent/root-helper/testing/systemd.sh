#!/bin/bash
# A stand-in for systemctl, systemd-run and bootctl where systemd is not process 1. It knows what nixfleet-root
# uses of them, with systemd's names, states and messages. Its units are folders below ROOT/units.
set -euo pipefail
shopt -s nullglob
root=${0%/tools/*}
units=$root/units

state() { printf '%s' "$2" >"$units/$1/active" && printf '%s' "$3" >"$units/$1/sub"; }

# start UNIT: runs the command of a service in the background, as Type=exec does.
start() {
  local dir=$units/$1
  state "$1" active running
  mkfifo "$dir/started"
  # Where a program of the unit finds its cgroup.
  printf '0::/system.slice/%s\n' "$1" >"$root/cgroup"
  (
    mapfile -d '' -t command <"$dir/command"
    code=0
    setsid -w env -i PATH=/usr/bin:/bin INVOCATION_ID=0 bash -c 'echo $$ >"$0/pid"; echo >"$0/started"; exec "$@"' \
      "$dir" "${command[@]}" >>"$(<"$dir/output")" 2>&1 || code=$?
    printf '%s' "$code" >"$dir/status"
    if [[ " 0 $(<"$dir/success") " != *" $code "* ]]; then state "$1" failed failed
    elif [[ -e $dir/remain ]]; then state "$1" active exited
    else rm -rf "$dir"; fi
  ) </dev/null >/dev/null 2>&1 &
  read -r _ <"$dir/started"
}

systemd_run() {
  local unit='' seconds='' output=/dev/null success='' remain='' mixed=''
  while [[ $1 != -- ]]; do
    case $1 in
      --unit=*) unit=${1#*=} ;;
      --on-active=*) seconds=${1#*=} ;;
      -p)
        case $2 in
          StandardOutput=append:*) output=${2#*:} ;;
          SuccessExitStatus=*) success=${2#*=} ;;
          RemainAfterExit=yes) remain=yes ;;
          KillMode=mixed) mixed=yes ;;
        esac
        shift
        ;;
    esac
    shift
  done
  shift
  [[ -n $mixed ]] || { echo 'This stand-in knows KillMode=mixed only.' >&2; exit 1; }
  unit=${unit%.service}
  echo "systemd-run $unit${seconds:+ $seconds}" >>"$root/calls"
  if [[ -e $root/systemd-fails ]]; then echo 'Failed to connect to bus: No such file or directory' >&2; exit 1; fi
  if ! mkdir "$units/$unit.service" 2>/dev/null; then
    echo "Failed to start transient service unit: Unit $unit.service was already loaded or has a fragment file." >&2
    exit 1
  fi
  printf '%s\0' "$@" >"$units/$unit.service/command"
  printf '%s' "$output" >"$units/$unit.service/output"
  printf '%s' "$success" >"$units/$unit.service/success"
  if [[ -n $remain ]]; then : >"$units/$unit.service/remain"; fi
  if [[ -z $seconds ]]; then start "$unit.service"; return; fi
  state "$unit.service" inactive dead
  # In one step: a test may let it elapse as soon as it is there.
  mkdir "$units/.$unit.timer"
  state ".$unit.timer" active waiting
  mv -T "$units/.$unit.timer" "$units/$unit.timer"
}

# The processes below a process: where systemd knows them by their cgroup.
members_of() {
  local child
  for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
    echo "$child"
    members_of "$child"
  done
}

stop_unit() {
  local name=$1 pid members member round
  if [[ $(<"$units/$name/sub") == running ]]; then
    pid=$(<"$units/$name/pid")
    # KillMode=mixed: the main process alone gets the signal. What is left when it ends is killed.
    members=$(members_of "$pid")
    kill -TERM "$pid" 2>/dev/null || :
    : >"$root/signalled"
    for round in {1..3000}; do
      if [[ ! -d $units/$name || $(<"$units/$name/sub") != running ]]; then break; fi
      # As after TimeoutStopSec.
      if ((round == 2500)); then kill -KILL "$pid" 2>/dev/null || :; fi
      sleep 0.02
    done
    for member in $members; do kill -KILL "$member" 2>/dev/null || :; done
  fi
  # A unit that failed stays until reset-failed.
  if [[ ! -d $units/$name || $(<"$units/$name/active") == failed ]]; then return; fi
  rm -rf "${units:?}/$name"
  if [[ $name == *.timer ]]; then rm -rf "$units/${name%.timer}.service"; fi
}

# A unit that ends meanwhile is not listed.
list_unit() {
  local active sub
  if active=$(cat "$units/$1/active" 2>/dev/null) && sub=$(cat "$units/$1/sub" 2>/dev/null); then echo "$1 loaded $active $sub A unit"; fi
}

systemctl() {
  local verb='' patterns=() pattern path name
  if [[ -e $root/systemd-fails ]]; then echo 'Failed to connect to bus: No such file or directory' >&2; exit 1; fi
  while (($# > 0)); do
    case $1 in
      --) patterns=("${@:2}"); break ;;
      -p) shift ;;
      -*) ;;
      *) verb=$1 ;;
    esac
    shift
  done
  echo "systemctl $verb" >>"$root/calls"
  if [[ $verb == reboot ]]; then return; fi
  for pattern in "${patterns[@]}"; do
    local found=()
    for path in "$units"/*; do if [[ ${path##*/} == $pattern ]]; then found+=("${path##*/}"); fi; done
    case $verb in
      list-units) for name in "${found[@]}"; do list_unit "$name"; done ;;
      stop)
        for name in "${found[@]}"; do stop_unit "$name"; done
        if ((${#found[@]} == 0)) && [[ $pattern != *\** ]]; then echo "Failed to stop $pattern: Unit $pattern not loaded." >&2; exit 5; fi
        ;;
      reset-failed)
        for name in "${found[@]}"; do if [[ $(<"$units/$name/active") == failed ]]; then rm -rf "${units:?}/$name"; fi; done
        ;;
      show)
        if ((${#found[@]} == 0)); then printf 'LoadState=not-found\nActiveState=inactive\nSubState=dead\nExecMainStatus=0\n'; continue; fi
        printf 'LoadState=loaded\nActiveState=%s\nSubState=%s\n' "$(<"$units/$pattern/active")" "$(<"$units/$pattern/sub")"
        printf 'ExecMainStatus=%s\n' "$(cat "$units/$pattern/status" 2>/dev/null || echo 0)"
        ;;
    esac
  done
}

# A timer elapses (RemainAfterElapse=no), for tests.
elapse() {
  rm -rf "${units:?}/$1.timer"
  start "$1.service"
}

# SIGKILL for every process of a unit, for tests.
kill_unit() {
  local pid
  pid=$(<"$units/$1/pid")
  kill -KILL "$pid" $(members_of "$pid") 2>/dev/null || :
}

bootctl() {
  if [[ ! -d $root/boot ]]; then echo 'Failed to determine location' >&2; exit 1; fi
  if [[ $1 == --print-boot-path ]]; then echo "$root/boot"; else echo "bootctl $*" >>"$root/calls"; fi
}

case ${0##*/} in
  systemd-run) systemd_run "$@" ;;
  systemctl) systemctl "$@" ;;
  systemd-elapse) elapse "$@" ;;
  systemd-kill) kill_unit "$@" ;;
  bootctl) bootctl "$@" ;;
esac
