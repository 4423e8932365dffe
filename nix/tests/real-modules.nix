# The modules in the real module system, each imported twice. `checkout`: nixpkgs' lib, as in nixpkgs or in
# nix-community/nixpkgs.lib. The options of NixOS, Home Manager and nix-darwin that they set are declared here.
checkout:
let
  lib = import (checkout + "/lib");
  inherit (lib) mkOption types;
  store = "/nix/store/00000000000000000000000000000000";
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "${store}-${name}";
  };
  self.packages.testSystem = {
    nixfleet-agent = package "nixfleet-agent";
    nixfleet = package "nixfleet";
  };
  pkgsFor = isDarwin: {
    stdenv.hostPlatform = {
      system = "testSystem";
      inherit isDarwin;
    };
    callPackage = _: _: package "nixfleet-root";
    writeShellScriptBin = name: _: package name;
    git = package "git";
    openssh = package "openssh";
    nix = package "nix";
    systemd = package "systemd";
  };
  # Merges what several modules set, as the real options do.
  any = mkOption {
    type = types.lazyAttrsOf types.anything;
    default = { };
  };
  list = mkOption {
    type = types.listOf types.anything;
    default = [ ];
  };
  others.options = {
    assertions = list;
    warnings = list;
    environment.systemPackages = list;
    environment.etc = any;
    home.packages = list;
    home.file = any;
    home.username = mkOption { type = types.str; };
    home.homeDirectory = mkOption { type = types.path; };
    systemd = any;
    launchd = any;
    users.groups = any;
    security = any;
    networking = any;
  };
  evaluate = evaluateWith { };
  evaluateWith =
    arguments: isDarwin: file: settings:
    (lib.evalModules {
      modules = [
        others
        (import file { inherit self; })
        (import file { inherit self; })
        settings
      ];
      specialArgs = {
        pkgs = pkgsFor isDarwin;
      }
      // arguments;
    }).config;
  agent = more: {
    services.nixfleet-agent = {
      enable = true;
      url = "wss://fleet.example.org/ws";
      tokenFile = "/run/secrets/nixfleet-agent";
      repoUrl = "https://git.example.org/you/nixcfg.git";
    }
    // more;
  };
  nixos = evaluate false ../modules/agent-nixos.nix {
    imports = [ (agent { user = "you"; }) ];
    systemd.services.nixfleet-agent.serviceConfig.RestartSec = 7;
  };
  home = evaluate false ../modules/agent-home-manager.nix {
    imports = [ (agent { }) ];
    home.username = "you";
    home.homeDirectory = "/home/you";
    systemd.user.services.nixfleet-agent.Service.RestartSec = 7;
  };
  # As Home Manager's module for NixOS passes the configuration of the system.
  homeInNixos = evaluateWith { osConfig.users.users.you = { }; } false ../modules/agent-home-manager.nix {
    imports = [ (agent { }) ];
    home.username = "you";
    home.homeDirectory = "/home/you";
  };
  dashboard = evaluate false ../modules/dashboard-nixos.nix {
    services.nixfleet.enable = true;
    systemd.services.nixfleet.serviceConfig.RestartSec = 7;
  };
  darwin = evaluate true ../modules/agent-darwin.nix (agent {
    user = "you";
  });
  # Of two definitions: lists and lines are merged.
  strict = {
    services.nixfleet-agent.policy = {
      hours = {
        zone = "Europe/Berlin";
        windows = [
          {
            from = "22:00";
            to = "04:00";
          }
        ];
      };
      branches = [ "main" ];
      signers = "alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN";
    };
  };
  stricter = {
    services.nixfleet-agent.policy = {
      branches = [ "release" ];
      signers = "bob@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN";
    };
  };
  ofUser = agent { user = "you"; };
  policies = {
    nixos =
      (evaluate false ../modules/agent-nixos.nix { imports = [ ofUser strict stricter ]; })
      .environment.etc."nixfleet-agent/policy.json".text;
    darwin =
      (evaluate true ../modules/agent-darwin.nix { imports = [ ofUser strict stricter ]; })
      .environment.etc."nixfleet-agent/policy.json".text;
    home =
      (evaluate false ../modules/agent-home-manager.nix {
        imports = [
          (agent { })
          strict
          stricter
        ];
        home.username = "you";
        home.homeDirectory = "/home/you";
      }).home.file.".config/nixfleet-agent/policy.json".text;
  };
in
{
  inherit policies;
  nixos = {
    inherit (nixos) warnings;
    inherit (nixos.systemd.services.nixfleet-agent) environment;
    restartSec = nixos.systemd.services.nixfleet-agent.serviceConfig.RestartSec;
  };
  home = {
    inherit (home) warnings;
    environment = lib.listToAttrs (
      map (
        line:
        let
          parts = lib.splitString "=" (builtins.fromJSON line);
        in
        lib.nameValuePair (lib.head parts) (lib.concatStringsSep "=" (lib.tail parts))
      ) home.systemd.user.services.nixfleet-agent.Service.Environment
    );
    restartSec = home.systemd.user.services.nixfleet-agent.Service.RestartSec;
  };
  dashboard = {
    inherit (dashboard) warnings;
    inherit (dashboard.systemd.services.nixfleet) environment;
    restartSec = dashboard.systemd.services.nixfleet.serviceConfig.RestartSec;
  };
  homeInNixos = homeInNixos.warnings;
  darwin = darwin.launchd.user.agents.nixfleet-agent.serviceConfig.EnvironmentVariables;
}
