# The agent: one bundled file that needs nothing but Node.
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
  pname = "nixfleet-agent";
  inherit (sources) version npmDeps;
  inherit (importNpmLock) npmConfigHook;
  inherit src;
  nodejs = nodejs_24;
  # Only esbuild is needed, and its package contains the binary: nothing is compiled.
  npmRebuildFlags = [ "--ignore-scripts" ];
  nativeBuildInputs = [ makeWrapper ];

  buildPhase = ''
    runHook preBuild
    NIXFLEET_SOURCE_COMMIT=${lib.escapeShellArg sourceCommit} node scripts/build-agent.mjs
    runHook postBuild
  '';

  # git and ssh at the end: the host's programs take precedence, and `sudo` must come from the host.
  # capabilities.json is read by the agent that is about to activate a system with this one.
  installPhase = ''
    runHook preInstall
    install -D -m 644 dist/agent.mjs "$out/lib/nixfleet-agent/agent.mjs"
    node dist/agent.mjs --capabilities > capabilities.json
    install -D -m 644 capabilities.json "$out/share/nixfleet-agent/capabilities.json"
    makeWrapper ${nodejs_24}/bin/node "$out/bin/nixfleet-agent" \
      --add-flags "$out/lib/nixfleet-agent/agent.mjs" \
      --suffix PATH : ${
        lib.makeBinPath [
          git
          openssh
        ]
      }
    runHook postInstall
  '';

  doInstallCheck = true;
  installCheckPhase = ''
    "$out/bin/nixfleet-agent" --version
  '';

  meta = {
    description = "Agent of NixFleet, the self-hosted dashboard for fleets of NixOS and macOS hosts";
    license = lib.licenses.agpl3Only;
    mainProgram = "nixfleet-agent";
    platforms = [
      "x86_64-linux"
      "aarch64-linux"
      "x86_64-darwin"
      "aarch64-darwin"
    ];
  };
}
