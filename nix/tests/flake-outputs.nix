# The flake's outputs with a substitute for nixpkgs whose builders return their arguments. As JSON for
# nix.test.ts.
let
  # As in a release of nixpkgs.
  libOf = release: import ./lib.nix // { trivial = { inherit release; }; };
  lib = libOf "26.05";
  store = "/nix/store/00000000000000000000000000000000";
  pkgsFor =
    system:
    let
      pkgs = {
        inherit lib pkgs;
        stdenv.hostPlatform = {
          inherit system;
          isLinux = lib.hasSuffix "-linux" system;
          isDarwin = lib.hasSuffix "-darwin" system;
        };
        # Like nixpkgs: passes only the arguments that the function names.
        callPackage =
          file: overrides:
          let
            function = import file;
            wanted = builtins.functionArgs function;
          in
          function (builtins.intersectAttrs wanted (pkgs // overrides));
        buildNpmPackage = arguments: arguments;
        importNpmLock = {
          __functor = _: arguments: arguments;
          npmConfigHook = "hook";
        };
        mkShell = arguments: arguments;
        pnpm_9.src.urls = [ "https://packages.example.org/pnpm/-/pnpm-9.0.0.tgz" ];
        makeWrapper = "makeWrapper";
        nodejs_24.outPath = "${store}-nodejs";
        python3.outPath = "${store}-python3";
        git.outPath = "${store}-git";
        openssh.outPath = "${store}-openssh";
      };
    in
    pkgs;
  systems = [
    "x86_64-linux"
    "aarch64-linux"
    "x86_64-darwin"
    "aarch64-darwin"
  ];
  outputsWith =
    nixpkgs:
    let
      outputs = (import ../../flake.nix).outputs {
        self = outputs // {
          rev = "0123456789abcdef";
        };
        inherit nixpkgs;
      };
    in
    outputs;
  nixpkgs = {
    inherit lib;
    legacyPackages = lib.genAttrs systems pkgsFor;
  };
  outputs = outputsWith nixpkgs;
  # The systems of packages and shells. `change` gets the package sets.
  systemsWith =
    release: change:
    let
      made = outputsWith {
        lib = libOf release;
        legacyPackages = change nixpkgs.legacyPackages;
      };
    in
    {
      packages = builtins.attrNames made.packages;
      shells = builtins.attrNames made.devShells;
    };
  dropped = sets: sets // { x86_64-darwin = throw "Nixpkgs 26.11 has dropped support for x86_64-darwin."; };
  shown = package: {
    inherit (package)
      pname
      version
      buildPhase
      installPhase
      ;
    fetched = builtins.length (
      builtins.filter (entry: entry ? resolved) (builtins.attrValues package.npmDeps.packageLock.packages)
    );
    inherit (package.npmDeps.packageLock.packages."node_modules/esbuild") resolved;
    optional = builtins.attrNames package.npmDeps.package.optionalDependencies;
  };
in
{
  names = builtins.attrNames outputs;
  packages = builtins.mapAttrs (_: builtins.attrNames) outputs.packages;
  modules = {
    nixos = builtins.attrNames outputs.nixosModules;
    home = builtins.attrNames outputs.homeModules;
    homeAsBefore = builtins.attrNames outputs.homeManagerModules;
    darwin = builtins.attrNames outputs.darwinModules;
  };
  intelMac = {
    # Without an evaluation of the package set, which costs time and prints a warning.
    supported = systemsWith "26.05" dropped;
    stillSupported = systemsWith "26.11" (sets: sets);
    dropped = systemsWith "26.11" dropped;
    missing = systemsWith "26.05" (sets: removeAttrs sets [ "x86_64-darwin" ]);
  };
  overlay = builtins.attrNames (outputs.overlays.default (pkgsFor "x86_64-linux") { });
  agent = shown outputs.packages.x86_64-linux.nixfleet-agent;
  dashboard = shown outputs.packages.x86_64-linux.nixfleet;
}
