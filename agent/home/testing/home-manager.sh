# A stand-in for `home-manager switch --flake REFERENCE#NAME`: builds, sets the profile, activates.
set -eu
reference=${3%#*}
name=${3##*#}
nix build --out-link '@root@/result' "$reference#homeConfigurations.\"$name\".activationPackage"
generation=$(readlink -f '@root@/result')
if [ -e "$generation/gen-version" ]; then
  '@root@/bin/nix-env' --profile "$HOME/.local/state/nix/profiles/home-manager" --set "$generation"
fi
exec "$generation/activate" --driver-version 1
