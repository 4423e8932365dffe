# nixfleet-root: what the agent does as root, with the paths of NixOS and the settings of the host. They are fixed here,
# so that neither an argument nor the environment can change them.
{
  lib,
  bash,
  coreutils,
  gnused,
  util-linux,
  writeTextFile,
  # May read the output of activations.
  group ? "nixfleet-agent",
  allowReboot ? true,
}:
let
  version = lib.trim (builtins.readFile ../../VERSION);
  values = {
    inherit version group;
    bash = "${bash}/bin/bash";
    self = "${builtins.placeholder "out"}/bin/nixfleet-root";
    tools = lib.makeBinPath [
      coreutils
      gnused
      util-linux
    ];
    owner = "0";
    allowReboot = if allowReboot then "yes" else "no";
    stateDir = "/var/lib/nixfleet-root";
    storeDir = builtins.storeDir;
    profile = "/nix/var/nix/profiles/system";
    gcRoots = "/nix/var/nix/gcroots/nixfleet-root";
    currentSystem = "/run/current-system";
    bootedSystem = "/run/booted-system";
    switchLock = "/run/nixos/switch-to-configuration.lock";
    cgroupFile = "/proc/self/cgroup";
    retrySeconds = "5";
  };
  names = builtins.attrNames values;
in
writeTextFile {
  name = "nixfleet-root-${version}";
  executable = true;
  destination = "/bin/nixfleet-root";
  text = builtins.replaceStrings (map (name: "@${name}@") names) (map (name: values.${name}) names) (
    builtins.readFile ../../agent/root-helper/nixfleet-root
  );
  checkPhase = ''
    ${bash}/bin/bash -n "$target"
  '';
  meta = {
    description = "What the agent of NixFleet does as root on NixOS";
    license = lib.licenses.agpl3Only;
    mainProgram = "nixfleet-root";
    platforms = lib.platforms.linux;
  };
}
