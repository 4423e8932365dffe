# The inputs of both packages: version, and dependencies in the form that Nix's npm builders need.
{
  lib,
  stdenv,
  importNpmLock,
  src,
  npmRegistry,
}:
let
  lock = import ./lockfile.nix {
    registry = npmRegistry;
    inherit (stdenv.hostPlatform) system;
  };
  json = file: builtins.fromJSON (builtins.readFile (src + file));
in
{
  version = lib.trim (builtins.readFile (src + "/VERSION"));
  npmDeps = importNpmLock {
    npmRoot = src;
    package = lock.completePackage (json "/package.json");
    packageLock = lock.completeLockfile (json "/package-lock.json");
  };
}
