#!/bin/bash
# A stand-in for switch-to-configuration: its lock, its exit codes, its sentences and what they mean for the system.
# ROOT/stc/code, ROOT/stc/hang (a store path) and ROOT/stc/during (a program that it runs) control it; ROOT/calls records each run with its environment.
set -euo pipefail
root='@root@'
top=$(readlink -f "$0")
top=${top%/bin/*}
echo "$1 $top $(env | cut -d= -f1 | sort | tr '\n' ' ')" >>"$root/calls"
exec 7>"$root/stc/lock"
if ! flock -n 7; then echo 'Could not acquire lock' >&2; exit 11; fi
if [[ -e $root/stc/wait ]]; then
  echo 'stopping the following units: b.service'
  : >"$root/stc/waits"
  while [[ ! -e $root/stc/go-on ]]; do sleep 0.05; done
fi
code=$(cat "$root/stc/code" 2>/dev/null || echo 0)
if [[ $1 == dry-activate ]]; then echo 'would restart the following units: a.service' >&2; exit "$code"; fi
if [[ $code == 1 || $code == 11 ]]; then echo "Pre-switch check 'switchInhibitors' failed" >&2; exit "$code"; fi
if [[ $1 != test ]]; then echo "$top" >"$root/boot-default"; fi
if [[ $1 != boot && $(cat "$root/stc/hang" 2>/dev/null) == @("$top"|any) ]]; then
  echo 'activating the configuration...' >&2
  : >"$root/stc/hangs"
  exec sleep 1000
fi
if [[ $1 != boot && $code != 100 ]]; then
  echo 'activating the configuration...' >&2
  ln -sfn "$top" "$root/current-system"
fi
if [[ $1 != boot && -x $root/stc/during ]]; then "$root/stc/during"; fi
if [[ $code == 4 ]]; then echo 'warning: the following units failed: a.service' >&2; fi
exit "$code"
