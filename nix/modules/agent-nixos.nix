# services.nixfleet-agent for NixOS.
{ self }:
{
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
  checks = import ./agent-checks.nix { inherit lib; };
  policy = import ./agent-policy.nix { inherit lib; };
  escape = import ./systemd-escape.nix;
  environment = builtins.mapAttrs (_: escape) (import ./agent-environment.nix cfg);
  systemPrograms = "/run/current-system/sw/bin";
  defaultOutputGroup = "nixfleet-agent";
  rootHelper = pkgs.callPackage ../packages/root-helper.nix {
    group = cfg.outputGroup;
    inherit (cfg) allowReboot;
  };
  # The commands in the form that the agent runs, by paths that stay the same after a switch. Without the helper the
  # agent needs nixos-rebuild, `kill` to end children of sudo, which belong to root, and `reboot`.
  legacyCommands = [
    "${systemPrograms}/nixos-rebuild"
    "${systemPrograms}/kill"
  ]
  ++ lib.optional cfg.allowReboot "${systemPrograms}/reboot";
  commands = map (command: {
    inherit command;
    options = [ "NOPASSWD" ];
  }) ([ "${systemPrograms}/nixfleet-root" ] ++ lib.optionals cfg.legacySudoRules legacyCommands);
  rules = [
    {
      users = [ cfg.user ];
      inherit commands;
    }
  ];
in
{
  # The same module from two places counts once.
  key = "nixfleet/agent-nixos";
  _file = ./agent-nixos.nix;

  options.services.nixfleet-agent =
    import ./agent-options.nix {
      inherit lib;
      defaultPackage = packageFor "nixfleet-agent";
    }
    // {
      user = lib.mkOption {
        type = lib.types.str;
        default = "";
        description = "The user that the agent runs as. It decides what is activated as root, and so is as powerful as root.";
      };

      allowReboot = lib.mkOption {
        type = lib.types.bool;
        default = true;
        description = "Let the agent's user reboot the host without a password, for the *Reboot* operation.";
      };

      legacySudoRules = lib.mkOption {
        type = lib.types.bool;
        default = true;
        description = ''
          Also let the agent's user run nixos-rebuild, kill and, with `allowReboot`, reboot as root without a password.
          Agents before 4.1 need that, for example after a switch back to one. Without it, only nixfleet-root is allowed.
        '';
      };

      checks = checks.option;

      policy = policy.option;

      buildMemory = lib.mkOption {
        type = lib.types.nullOr (lib.types.strMatching "[0-9]+%|[0-9]+[KMGT]?");
        default = "80%";
        description = ''
          Memory that the agent's build of a system may take, as a share of the host's memory or a size such as 6G. Beyond
          it the build ends with an error that says so. It counts the evaluation, and builds without the Nix daemon; what
          the daemon builds runs in the daemon's own service. null: no limit.
        '';
      };

      outputGroup = lib.mkOption {
        # Written into a program that root runs.
        type = lib.types.strMatching "[A-Za-z_][A-Za-z0-9_-]*";
        default = defaultOutputGroup;
        description = ''
          The group that may read the output and the results of activations in /var/lib/nixfleet-root. The agent's
          service gets it as a supplementary group. The default group is created; any other one must exist.
        '';
      };
    };

  config = lib.mkIf cfg.enable {
    assertions = import ./agent-assertions.nix cfg ++ checks.assertions cfg.checks ++ policy.assertions cfg.policy ++ [
      {
        assertion = cfg.user != "";
        message = "services.nixfleet-agent.user: name the user that the agent runs as.";
      }
    ];
    warnings =
      import ./agent-warnings.nix { inherit lib cfg; } ++ import ./sudo-warning.nix { inherit lib config; };

    # In the system, so that a switch is judged by the checks of the system that it activates.
    environment.etc."nixfleet-agent/checks.json".text = checks.file cfg.checks;
    # In the system as well: the agent follows the policy of the one that runs.
    environment.etc."nixfleet-agent/policy.json" = lib.mkIf (cfg.policy != null) {
      text = policy.file cfg.policy;
    };
    environment.systemPackages = [
      rootHelper
      # For `nixfleet-agent --check` in a shell.
      cfg.package
    ];
    users.groups = lib.mkIf (cfg.outputGroup == defaultOutputGroup) { ${defaultOutputGroup} = { }; };

    systemd.services.nixfleet-agent = {
      description = "NixFleet agent";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      # A switch runs inside the agent: systemd must not stop it. The agent exits with 101 afterwards.
      restartIfChanged = false;
      stopIfChanged = false;
      startLimitIntervalSec = 0;
      # The set-uid sudo of the wrappers must come before the plain one of the system's packages.
      environment = environment // {
        PATH = lib.mkForce "/run/wrappers/bin:${systemPrograms}:/nix/var/nix/profiles/default/bin";
        NIXFLEET_TOKEN_FILE = "%d/token";
        NIXFLEET_STATE_DIR = "/var/lib/nixfleet-agent";
      }
      // lib.optionalAttrs (cfg.buildMemory != null) {
        NIXFLEET_BUILD_MEMORY = escape cfg.buildMemory;
      };
      serviceConfig = {
        ExecStart = lib.getExe' cfg.package "nixfleet-agent";
        User = cfg.user;
        SupplementaryGroups = [ cfg.outputGroup ];
        Restart = "always";
        # Grows from 3 s to 20 s with the number of restarts. systemd before 254 restarts each time after RestartSec: it
        # ignores the other two and writes a warning to its log.
        RestartSec = mkDefault 3;
        RestartSteps = mkDefault 10;
        RestartMaxDelaySec = mkDefault 20;
        # 101: after a switch. Otherwise the unit would count as failed until it starts again.
        RestartForceExitStatus = 101;
        SuccessExitStatus = 101;
        # 78: the configuration is invalid. Another attempt can't succeed before the next switch, which starts every
        # target again and with them each unit that they want and that does not run.
        RestartPreventExitStatus = 78;
        # Read by systemd as root: the file may be readable by root only, in either form.
        LoadCredential = "token:${escape (toString cfg.tokenFile)}";
        StateDirectory = "nixfleet-agent";
        StateDirectoryMode = "0700";
        # The agent decides whether to end what it started (nixos-rebuild).
        KillMode = "mixed";
        TimeoutStopSec = mkDefault 25;
        # A build that runs out of memory ends alone, and memory for a build can be limited in a cgroup below the agent's.
        OOMPolicy = "continue";
        # Builds and evaluations would inherit it: the agent raises theirs, so that they are killed before it.
        OOMScoreAdjust = mkDefault (-100);
        Delegate = true;
        # No sandbox: options such as NoNewPrivileges or ProtectSystem break sudo and the rebuild itself.
      };
    };

    security.sudo.extraRules = rules;
    security.sudo-rs.extraRules = rules;
  };
}
