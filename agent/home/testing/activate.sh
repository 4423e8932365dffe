# A stand-in for the activation script of Home Manager: its option, its checks before anything changes, the links, and the
# steps after them. The file `fails` of the test names the version and the step that fails. `older` in the package: the
# link to the active generation is set with the files; in newer versions it is set at the end.
set -eu
PATH=/usr/bin:/bin
generation=$(dirname "$(readlink -f "$0")")
version=$(cat "$generation/version")
driver=0
if [ "${1:-}" = --driver-version ]; then driver=$2; fi
echo "activating version $version with driver $driver"
fails() { [ "$(cat '@root@/fails')" = "$version $1" ]; }
record() { ln -sfn "$generation" "$HOME/.local/state/home-manager/gcroots/current-home"; }
while [ -e '@root@/wait' ] && ! [ -e '@root@/go' ]; do touch '@root@/waits'; sleep 0.05; done
if fails check; then
  echo "Existing file '$HOME/.bashrc' would be clobbered" >&2
  exit 1
fi
mkdir -p "$HOME/.local/state/home-manager/gcroots"
# An activation of an older package sets the profile, whatever it is told. A newer one does it without the option.
if ! [ -e "$generation/gen-version" ] || [ "$driver" = 0 ]; then
  '@root@/bin/nix-env' --profile "$HOME/.local/state/nix/profiles/home-manager" --set "$generation"
fi
ln -sfn "$generation" "$HOME/linked"
if [ -e "$generation/older" ]; then record; fi
if fails services; then
  echo "error: the services could not be reloaded" >&2
  exit 1
fi
record
