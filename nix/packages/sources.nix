# What both packages are made of: the sources, and the lockfile as Nix's npm builders want it.
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
