# services.nixfleet-agent for Home Manager: a launchd agent on macOS, a systemd user service elsewhere.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nixfleet-agent;
  inherit (pkgs.stdenv.hostPlatform) isDarwin;
  home = config.home.homeDirectory;
  # The agent's host type: "macos" means Home Manager, on any system.
  hostType =
    lib.optionalAttrs (cfg.switches == "home") { NIXFLEET_HOST_TYPE = "macos"; }
    // lib.optionalAttrs (cfg.switches == "system") { NIXFLEET_HOST_TYPE = "nixos"; };
  environment = import ./agent-environment.nix cfg // hostType // {
    NIXFLEET_TOKEN_FILE = toString cfg.tokenFile;
    NIXFLEET_STATE_DIR = "${home}/.local/state/nixfleet-agent";
    PATH = "${home}/.nix-profile/bin:/run/wrappers/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/bin:/bin";
  };
in
{
  options.services.nixfleet-agent =
    import ./agent-options.nix {
      inherit lib;
      defaultPackage = self.packages.${pkgs.stdenv.hostPlatform.system}.nixfleet-agent;
    }
    // {
      switches = lib.mkOption {
        type = lib.types.nullOr (
          lib.types.enum [
            "system"
            "home"
          ]
        );
        default = null;
        description = ''
          What a switch switches: the system (`sudo nixos-rebuild`) or this Home Manager configuration. Null: the system
          on Linux, Home Manager on macOS.
        '';
      };
    };

  config = lib.mkIf cfg.enable (
    lib.mkMerge [
      {
        assertions = import ./agent-assertions.nix cfg;
        home.packages = [ cfg.package ];
      }
      (lib.mkIf isDarwin {
        launchd.agents.nixfleet-agent = {
          enable = true;
          config = import ./agent-launchd.nix { inherit cfg home; };
        };
      })
      (lib.mkIf (!isDarwin) {
        systemd.user.services.nixfleet-agent = {
          Unit = {
            Description = "NixFleet agent";
            # Home Manager restarts units on a switch, and the switch runs inside this one.
            X-RestartIfChanged = false;
            X-StopIfChanged = false;
            StartLimitIntervalSec = 0;
          };
          Install.WantedBy = [ "default.target" ];
          Service = {
            ExecStart = "${cfg.package}/bin/nixfleet-agent";
            Environment = lib.mapAttrsToList (name: value: "\"${name}=${value}\"") environment;
            Restart = "always";
            RestartSec = 3;
            RestartForceExitStatus = 101;
            KillMode = "mixed";
          };
        };
      })
    ]
  );
}
