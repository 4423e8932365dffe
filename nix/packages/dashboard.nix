# The dashboard and its command line, with the files of the container image.
{
  lib,
  pkgs,
  stdenv,
  buildNpmPackage,
  importNpmLock,
  nodejs_24,
  makeWrapper,
  openssh,
  git,
  src ? ./../..,
  npmRegistry ? import ./registry.nix pkgs,
  sourceCommit ? "",
}:
let
  sources = import ./sources.nix {
    inherit
      lib
      stdenv
      importNpmLock
      src
      npmRegistry
      ;
  };
in
buildNpmPackage {
  pname = "nixfleet";
  inherit (sources) version npmDeps;
  inherit (importNpmLock) npmConfigHook;
  inherit src;
  nodejs = nodejs_24;
  # Every package with a binary contains it: nothing is compiled.
  npmRebuildFlags = [ "--ignore-scripts" ];
  nativeBuildInputs = [ makeWrapper ];

  env = {
    NEXT_TELEMETRY_DISABLED = "1";
    NIXFLEET_SOURCE_COMMIT = sourceCommit;
  };

  buildPhase = ''
    runHook preBuild
    node scripts/image/assemble.mjs "$PWD/assembled"
    runHook postBuild
  '';

  # The server finds its pages relative to its folder.
  installPhase = ''
    runHook preInstall
    mkdir -p "$out/lib"
    cp -r assembled "$out/lib/nixfleet"
    makeWrapper ${nodejs_24}/bin/node "$out/bin/nixfleet-dashboard" \
      --chdir "$out/lib/nixfleet" \
      --set NODE_ENV production \
      --add-flags "--max-semi-space-size=8 $out/lib/nixfleet/dist/server.mjs" \
      --suffix PATH : ${
        lib.makeBinPath [
          git
          openssh
        ]
      }
    makeWrapper ${nodejs_24}/bin/node "$out/bin/nixfleet" \
      --add-flags "$out/lib/nixfleet/dist/cli.mjs"
    runHook postInstall
  '';

  meta = {
    description = "Self-hosted dashboard for fleets of NixOS and macOS hosts";
    license = lib.licenses.agpl3Only;
    mainProgram = "nixfleet-dashboard";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
    ];
  };
}
