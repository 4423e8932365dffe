# The flake's outputs with a substitute for nixpkgs whose builders return their arguments. As JSON for
# nix.test.ts.
let
  lib = import ./lib.nix;
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
  self = outputs // {
    rev = "0123456789abcdef";
  };
  outputs = (import ../../flake.nix).outputs {
    inherit self;
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs systems pkgsFor;
    };
  };
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
    home = builtins.attrNames outputs.homeManagerModules;
    darwin = builtins.attrNames outputs.darwinModules;
  };
  overlay = builtins.attrNames (outputs.overlays.default (pkgsFor "x86_64-linux") { });
  agent = shown outputs.packages.x86_64-linux.nixfleet-agent;
  dashboard = shown outputs.packages.x86_64-linux.nixfleet;
}
