# services.nixfleet-agent for Home Manager: a launchd agent on macOS, a systemd user service elsewhere.
{ self }:
args@{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nixfleet-agent;
  packageFor = import ./package-for.nix {
    inherit self;
    inherit (pkgs.stdenv.hostPlatform) system;
  };
  inherit (lib) mkDefault;
  policy = import ./agent-policy.nix { inherit lib; };
  policyFile = ".config/nixfleet-agent/policy.json";
  escape = import ./systemd-escape.nix;
  inherit (pkgs.stdenv.hostPlatform) isDarwin;
  home = config.home.homeDirectory;
  user = config.home.username;
  # The NixOS configuration that this one is a part of; null where Home Manager is used alone.
  nixos = if isDarwin then null else args.osConfig or null;
  # The agent's host type: "macos" means Home Manager, on any system.
  hostType =
    lib.optionalAttrs (cfg.switches == "home") { NIXFLEET_HOST_TYPE = "macos"; }
    // lib.optionalAttrs (cfg.switches == "system") { NIXFLEET_HOST_TYPE = "nixos"; };
  # Without it, a policy of the system counts.
  policyVariable = lib.optionalAttrs (cfg.policy != null) {
    NIXFLEET_POLICY_FILE = "${home}/${policyFile}";
  };
  environment = import ./agent-environment.nix cfg // hostType // policyVariable // {
    NIXFLEET_TOKEN_FILE = toString cfg.tokenFile;
    NIXFLEET_STATE_DIR = "${home}/.local/state/nixfleet-agent";
    # The set-uid sudo of the wrappers must come before any other. The profiles of the user come before the system's.
    PATH = lib.concatStringsSep ":" [
      "/run/wrappers/bin"
      "${home}/.nix-profile/bin"
      "${home}/.local/state/nix/profile/bin"
      "/etc/profiles/per-user/${user}/bin"
      "/run/current-system/sw/bin"
      "/nix/var/nix/profiles/default/bin"
      "/usr/bin"
      "/bin"
    ];
  };
in
{
  # The same module from two places counts once.
  key = "nixfleet/agent-home-manager";
  _file = ./agent-home-manager.nix;

  options.services.nixfleet-agent =
    import ./agent-options.nix {
      inherit lib;
      defaultPackage = packageFor "nixfleet-agent";
    }
    // {
      policy = policy.option;

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
        assertions =
          import ./agent-assertions.nix cfg
          ++ policy.assertions cfg.policy
          ++ lib.optionals (cfg.switches == "home" || (isDarwin && cfg.switches == null)) (
            policy.assertionsOfHome cfg.policy
          );
        home.file = lib.optionalAttrs (cfg.policy != null) {
          ${policyFile}.text = policy.file cfg.policy;
        };
        warnings =
          import ./agent-warnings.nix { inherit lib cfg; }
          ++ lib.optionals (nixos != null) (
            lib.optional (nixos.users.users.${user}.linger or false != true) (
              "services.nixfleet-agent: without lingering the agent ends when ${user} logs out, and a switch with it. Set "
              + "users.users.${user}.linger = true in the NixOS configuration."
            )
            ++ lib.optionals (cfg.switches != "home") (import ./sudo-warning.nix { inherit lib; config = nixos; })
          );
        home.packages = [ cfg.package ];
      }
      (lib.mkIf isDarwin {
        launchd.agents.nixfleet-agent = {
          enable = true;
          config = import ./agent-launchd.nix {
            inherit cfg home;
            variables = policyVariable;
          };
        };
      })
      (lib.mkIf (!isDarwin) {
        systemd.user.services.nixfleet-agent = {
          Unit = {
            Description = "NixFleet agent";
            # A switch runs inside this unit. The agent restarts itself once it is idle and its unit names another one.
            # The last two are the older spelling of the first.
            X-SwitchMethod = "keep-old";
            X-RestartIfChanged = false;
            X-StopIfChanged = false;
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
            # As in the module for NixOS.
            RestartSec = mkDefault 3;
            RestartSteps = mkDefault 10;
            RestartMaxDelaySec = mkDefault 20;
            RestartForceExitStatus = 101;
            SuccessExitStatus = 101;
            RestartPreventExitStatus = 78;
            KillMode = "mixed";
            TimeoutStopSec = mkDefault 25;
            # A build that runs out of memory ends alone.
            OOMPolicy = "continue";
          };
        };
      })
    ]
  );
}
