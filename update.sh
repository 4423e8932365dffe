#!/usr/bin/env bash
# Updates NixFleet in its container, and rolls an update back.
#
#   ./update.sh              build (or pull), back up, start, wait; restore everything if a step fails
#   ./update.sh --rollback   restore the image and the data from before the last update
#   ./update.sh --help       all options
#
# Works with Docker, and with the engine that CONTAINER_ENGINE and CONTAINER_COMPOSE name (podman, podman-compose).
# The folder .update beside the compose file holds what is needed to go back. The next run completes or undoes an
# interrupted one. docs/operations.md has the details.
set -euo pipefail

HEALTH_TIMEOUT_S=${NIXFLEET_UPDATE_HEALTH_TIMEOUT_S:-90}
AGENTS_TIMEOUT_S=${NIXFLEET_UPDATE_AGENTS_TIMEOUT_S:-120}
BACKUPS_TO_KEEP=3
SERVICE=nixfleet
BACKUP_FOLDER=/data/update-backups

compose_file=${COMPOSE_FILE:-docker-compose.yml}
mode=auto
action=update
missing_allowed=0

usage() {
  cat <<'TEXT'
Usage: ./update.sh [--rollback] [--file FILE] [--build | --pull | --loaded] [--missing-agents N]

Builds or pulls the new image, stops the dashboard, backs up its data and checks the backup, starts
the new image, and waits until it answers and as many agents as before are connected. If one of these
steps fails, it restores the old image and the backup.

  --rollback           restore the image and the data from before the last update; the data
                       stored since then is kept beside the database, but no longer used
  --file FILE          the compose file (default: COMPOSE_FILE, or docker-compose.yml)
  --build              build the image from this checkout (the default)
  --pull               pull it (the default when NIXFLEET_IMAGE is set)
  --loaded             use the image that is on this machine (after docker load)
  --missing-agents N   how many agents may stay disconnected (laptops that sleep)

Exit codes: 0: the new version runs. 1: nothing was changed, or everything was restored. 2: the
dashboard does not run, and you have to repair it.
TEXT
}

while [ $# -gt 0 ]; do
  case $1 in
    --rollback) action=rollback ;;
    --build | --pull | --loaded) mode=${1#--} ;;
    --file) compose_file=${2:?--file needs a file}; shift ;;
    --missing-agents) missing_allowed=${2:?--missing-agents needs a number}; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 1 ;;
  esac
  shift
done

cd -P "$(dirname "${BASH_SOURCE[0]}")"
STATE=.update
LOG=$STATE/update.log
umask 077
mkdir -p "$STATE"
# Keep the file with the secrets only while an unfinished update needs it.
trap '[ -f "$STATE/running" ] || rm -f "$STATE/env"' EXIT

# A closed terminal must not interrupt a restore.
say() { printf '%s\n' "$*" || true; printf '%s %s\n' "$(date -u +%FT%TZ)" "$*" >>"$LOG"; }
fail() { say "$*" >&2; exit 1; }
now() { date +%s; }
# Seconds that setting the clock does not change: a wait must not end because of it.
uptime_s() {
  local up rest
  if read -r up rest 2>/dev/null </proc/uptime; then printf '%s' "${up%%.*}"; else now; fi
}

[ -f "$compose_file" ] || fail "$compose_file does not exist here: run this in the folder of the compose file, or use --file."

engine=${CONTAINER_ENGINE:-docker}
if [ -n "${CONTAINER_COMPOSE:-}" ]; then
  read -r -a compose_command <<<"$CONTAINER_COMPOSE"
elif "$engine" compose version >/dev/null 2>&1; then
  compose_command=("$engine" compose)
else
  compose_command=("$engine-compose")
fi
# Podman's default image format can't store a health check.
export BUILDAH_FORMAT=docker

# Descriptor 9 holds the lock. A program that outlives this script (a container's monitor) must not inherit it.
run_engine() { "$engine" "$@" 9>&-; }
run_compose() { "${compose_command[@]}" -f "$compose_file" "$@" >>"$LOG" 2>&1 9>&- </dev/null; }

command -v flock >/dev/null || fail 'This script needs the program flock (Debian: apt-get install util-linux).'
exec 9>"$STATE/lock"
flock -n 9 || fail 'Another update runs in this folder: wait until it has ended.'

# ---- state between runs ---------------------------------------------------------------------------------------------
# $STATE/running during an update: its phase, and what is needed to go back. $STATE/last afterwards.

remember() { # phase
  {
    printf 'phase=%q\nold_image=%q\nbackup=%q\ndata=%q\n' "$1" "$old_image" "$backup" "$data"
    printf 'agents=%q\nstopped_at=%q\ncompose_file=%q\n' "$agents" "$stopped_at" "$compose_file"
  } >"$STATE/running.new"
  mv "$STATE/running.new" "$STATE/running"
}

old_image='' backup='' data='' agents='' stopped_at=''

# ---- the container --------------------------------------------------------------------------------------------------

container() { # includes a stopped one
  run_engine ps -a -q --no-trunc --filter "label=com.docker.compose.project.working_dir=$PWD" \
    --filter "label=com.docker.compose.service=$SERVICE" | head -n 1
}

inspect() { run_engine inspect --format "$2" "$1"; } # container, template

# The image name that the compose file uses.
image_name() {
  local name=${NIXFLEET_IMAGE:-}
  if [ -z "$name" ] && [ -f .env ]; then
    name=$(sed -n "s/^[[:space:]]*NIXFLEET_IMAGE=[\"']\{0,1\}\([^\"'[:space:]#]*\).*/\1/p" .env | tail -n 1)
  fi
  printf '%s' "${name:-nixfleet:local}"
}

# nixfleet:local → nixfleet:before-update. The part before the tag may contain a colon (a registry with a port).
kept_name() { # image name
  local name=${1%@*}
  case ${name##*/} in *:*) name=${name%:*} ;; esac
  printf '%s:before-update' "$name"
}

# Finds the data on this machine and the variables of the dashboard, for one-off containers.
look_at() { # container
  data=$(inspect "$1" '{{range .Mounts}}{{if eq .Destination "/data"}}{{if eq .Type "volume"}}{{.Name}}{{else}}{{.Source}}{{end}}{{end}}{{end}}')
  [ -n "$data" ] || fail 'The container has no volume at /data: this installation cannot be updated.'
  inspect "$1" '{{range .Config.Env}}{{println .}}{{end}}' | grep '^NIXFLEET_' >"$STATE/env" || true
}

# Runs the program nixfleet of an image on the data while no dashboard runs. Prints its output.
nixfleet() { # image, arguments
  local image=$1
  shift
  run_engine run --rm --read-only --tmpfs /tmp --network none --env-file "$STATE/env" -v "$data:/data" "$image" \
    nixfleet "$@" 2>>"$LOG"
}

healthy() { # container
  run_engine exec "$1" node /app/health-check.mjs >>"$LOG" 2>&1
}

connected_agents() { # container; prints a number, or nothing if the dashboard does not report one
  run_engine exec "$1" node /app/health-check.mjs --agents 2>>"$LOG" || true
}

wait_until_healthy() {
  local deadline=$(($(uptime_s) + HEALTH_TIMEOUT_S)) id
  while [ "$(uptime_s)" -le "$deadline" ]; do
    id=$(container)
    if [ -n "$id" ]; then
      if healthy "$id"; then return 0; fi
      case $(inspect "$id" '{{.State.Status}}') in exited | dead) return 1 ;; esac
    fi
    sleep 0.5
  done
  return 1
}

wait_for_agents() { # number
  local wanted=$1 deadline=$(($(uptime_s) + AGENTS_TIMEOUT_S)) id there=0
  while :; do
    id=$(container)
    there=$(connected_agents "$id")
    if [ "${there:-0}" -ge "$wanted" ]; then
      say "$there agents are connected (before: $agents)."
      return 0
    fi
    [ "$(uptime_s)" -le "$deadline" ] || break
    sleep 1
  done
  say "Only ${there:-0} of $agents agents reconnected within $AGENTS_TIMEOUT_S s."
  return 1
}

say_how_long() { say "The dashboard was down for $(($(now) - stopped_at)) s."; }

# ---- going back -----------------------------------------------------------------------------------------------------

# Starts the old image on the old data. What the new version stored is kept beside the database.
put_back() {
  local id
  id=$(container)
  if [ -n "$id" ]; then
    run_engine logs --tail 200 "$id" >"$STATE/failed.log" 2>&1 || true
    run_compose down || true
  fi
  run_engine tag "$old_image" "$(image_name)"
  if [ -n "$backup" ]; then
    nixfleet "$old_image" restore "$backup" >>"$LOG" || return 1
    say "Restored the data from $backup."
  fi
  run_compose up -d || return 1
  wait_until_healthy || return 1
  say 'Restored the old image. It is running.'
  say_how_long
}

go_back() { # why
  # A second Ctrl-C must not interrupt this.
  trap '' INT TERM HUP
  say "$1 Restoring the old image and the data …"
  if ! put_back; then
    say "The old image could not be started again. See $LOG and $STATE/failed.log; the backup is $backup in the data folder." >&2
    exit 2
  fi
  if [ -s "$STATE/failed.log" ]; then
    say "Last lines of the new container ($STATE/failed.log has more):"
    tail -n 10 "$STATE/failed.log"
  fi
  rm -f "$STATE/running" "$STATE/env"
}

finish_interrupted() {
  # shellcheck disable=SC1091 # written by remember, with quotes
  . "./$STATE/running"
  case $phase in
    prepared)
      say 'An earlier update was interrupted before it stopped anything: nothing to restore.'
      rm -f "$STATE/running" "$STATE/env"
      ;;
    starting)
      # Only if it never ran: what a running dashboard has stored since then must not be lost.
      if wait_until_healthy; then
        say 'An earlier update was interrupted after the new version had started. It is running, so that update counts as done.'
        mv "$STATE/running" "$STATE/last"
        rm -f "$STATE/env"
      else
        go_back 'An earlier update was interrupted, and the new version does not run.'
        if [ "$action" = rollback ]; then exit 0; fi
      fi
      ;;
    *)
      go_back 'An earlier update was interrupted.'
      if [ "$action" = rollback ]; then exit 0; fi
      ;;
  esac
  old_image='' backup='' data='' agents='' stopped_at=''
}

# ---- the two actions ------------------------------------------------------------------------------------------------

rollback() {
  [ -f "$STATE/last" ] || fail 'There is no update to roll back.'
  local id
  # shellcheck disable=SC1091
  . "./$STATE/last"
  run_engine image inspect "$old_image" >/dev/null 2>&1 || fail "The image from before the update ($old_image) is no longer on this machine."
  id=$(container)
  [ -n "$id" ] || fail 'There is no container to roll back: start it with compose up -d first.'
  look_at "$id"
  stopped_at=$(now)
  remember stopped
  say "Rolling back the last update: image $old_image, data from $backup."
  run_compose stop || fail "The container could not be stopped: see $LOG."
  put_back || { say "The old image could not be started: see $LOG." >&2; exit 2; }
  rm -f "$STATE/running" "$STATE/env" "$STATE/last"
}

make_image() {
  local name=$1
  if [ "$mode" = auto ]; then
    if [ "$name" = nixfleet:local ]; then mode=build; else mode=pull; fi
  fi
  case $mode in
    build)
      say "Building $name …"
      NIXFLEET_REVISION=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
      export NIXFLEET_REVISION
      run_compose build || fail "The image could not be built: see $LOG. Nothing was changed."
      ;;
    pull)
      say "Pulling $name …"
      run_compose pull || fail "The image could not be pulled: see $LOG. Nothing was changed."
      ;;
  esac
}

update() {
  local id name kept
  id=$(container)
  [ -n "$id" ] || fail 'There is no container to update: start it with compose up -d first.'
  name=$(image_name)
  look_at "$id"
  # Under a separate name, so that no clean-up removes it and the new image can have the old name.
  kept=$(kept_name "$name")
  run_engine tag "$(inspect "$id" '{{.Image}}')" "$kept"
  old_image=$(run_engine image inspect --format '{{.Id}}' "$kept")
  agents=$(connected_agents "$id")
  remember prepared
  trap 'rm -f "$STATE/running" "$STATE/env"; say "Interrupted; nothing was changed."; exit 130' INT TERM HUP
  make_image "$name"
  if [ "$(run_engine image inspect --format '{{.Id}}' "$name")" = "$old_image" ]; then
    rm -f "$STATE/running" "$STATE/env"
    say "$name is already running: nothing to do."
    exit 0
  fi

  stopped_at=$(now)
  remember stopping
  trap 'go_back "Interrupted."; exit 130' INT TERM HUP
  say 'Stopping the dashboard and backing up its data …'
  run_compose stop || { go_back 'The container could not be stopped.'; exit 1; }
  if ! backup=$(nixfleet "$old_image" backup --to "$BACKUP_FOLDER" --keep "$BACKUPS_TO_KEEP"); then
    backup=''
    go_back "The backup failed: see $LOG."
    exit 1
  fi
  say "Backed up and checked: $backup"
  remember starting
  run_compose down || { go_back 'The old container could not be removed.'; exit 1; }
  say "Starting $name …"
  run_compose up -d || { go_back 'The new container could not be started.'; exit 1; }
  wait_until_healthy || { go_back "The new dashboard did not answer within $HEALTH_TIMEOUT_S s."; exit 1; }
  say_how_long
  if [ -z "$agents" ]; then
    say 'The number of connected agents before the update is unknown, so none were waited for: check the fleet page.'
  else
    wait_for_agents "$((agents > missing_allowed ? agents - missing_allowed : 0))" || { go_back 'Agents are missing.'; exit 1; }
  fi
  trap - INT TERM HUP
  mv "$STATE/running" "$STATE/last"
  rm -f "$STATE/env"
  say "Updated: $(run_engine exec "$(container)" nixfleet --version) is running. To undo: ./update.sh --rollback"
}

if [ -f "$STATE/running" ]; then finish_interrupted; fi
"$action"
