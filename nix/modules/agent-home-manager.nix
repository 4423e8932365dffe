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
  escape = import ./systemd-escape.nix;
  inherit (pkgs.stdenv.hostPlatform) isDarwin;
  home = config.home.homeDirectory;
  # The agent's host type: "macos" means Home Manager, on any system.
  hostType =
    lib.optionalAttrs (cfg.switches == "home") { NIXFLEET_HOST_TYPE = "macos"; }
    // lib.optionalAttrs (cfg.switches == "system") { NIXFLEET_HOST_TYPE = "nixos"; };
  environment = import ./agent-environment.nix cfg // hostType // {
    NIXFLEET_TOKEN_FILE = toString cfg.tokenFile;
    NIXFLEET_STATE_DIR = "${home}/.local/state/nixfleet-agent";
    # The set-uid sudo of the wrappers must come before any other.
    PATH = "/run/wrappers/bin:${home}/.nix-profile/bin:/run/current-system/sw/bin:/nix/var/nix/profiles/default/bin:/usr/bin:/bin";
  };
in
{
  # The same module from two places counts once.
  key = "nixfleet/agent-home-manager";
  _file = ./agent-home-manager.nix;

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
        warnings = import ./agent-warnings.nix { inherit lib cfg; };
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
            X-SwitchMethod = "keep-old";
            StartLimitIntervalSec = 0;
          };
          Install.WantedBy = [ "default.target" ];
          Service = {
            ExecStart = "${cfg.package}/bin/nixfleet-agent";
            # JSON's quoting is a part of systemd's.
            Environment = lib.mapAttrsToList (
              name: value: builtins.toJSON "${name}=${escape value}"
            ) environment;
            Restart = "always";
            RestartSec = 3;
            RestartSteps = 10;
            RestartMaxDelaySec = 20;
            RestartForceExitStatus = 101;
            SuccessExitStatus = 101;
            RestartPreventExitStatus = 78;
            KillMode = "mixed";
          };
        };
      })
    ]
  );
}
