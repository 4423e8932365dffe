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
  environment = import ./agent-environment.nix cfg;
  systemPrograms = "/run/current-system/sw/bin";
  # The commands in the form that the agent runs. It needs `kill` to end children of sudo, which belong to root.
  commands = map
    (command: {
      inherit command;
      options = [ "NOPASSWD" ];
    })
    (
      [
        "${systemPrograms}/nixos-rebuild"
        "${systemPrograms}/kill"
      ]
      ++ lib.optional cfg.allowReboot "${systemPrograms}/reboot"
    );
  rules = [
    {
      users = [ cfg.user ];
      inherit commands;
    }
  ];
in
{
  options.services.nixfleet-agent =
    import ./agent-options.nix {
      inherit lib;
      defaultPackage = self.packages.${pkgs.stdenv.hostPlatform.system}.nixfleet-agent;
    }
    // {
      user = lib.mkOption {
        type = lib.types.str;
        default = "";
        description = "The user that the agent runs as. It may run nixos-rebuild as root, and so is as powerful as root.";
      };

      allowReboot = lib.mkOption {
        type = lib.types.bool;
        default = true;
        description = "Let the agent's user reboot the host without a password, for the operation of that name.";
      };
    };

  config = lib.mkIf cfg.enable {
    assertions = import ./agent-assertions.nix cfg ++ [
      {
        assertion = cfg.user != "";
        message = "services.nixfleet-agent.user: name the user that the agent runs as.";
      }
    ];
    warnings = lib.optional (
      cfg.configRepo != ""
    ) "services.nixfleet-agent.configRepo is deprecated: set repoUrl, and the agent maintains a clone.";

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
      };
      serviceConfig = {
        ExecStart = lib.getExe' cfg.package "nixfleet-agent";
        User = cfg.user;
        Restart = "always";
        RestartSec = 3;
        RestartForceExitStatus = 101;
        # Read by systemd as root: the file may be readable by root only, in either form.
        LoadCredential = "token:${toString cfg.tokenFile}";
        StateDirectory = "nixfleet-agent";
        StateDirectoryMode = "0700";
        # The agent decides whether to end what it started (nixos-rebuild).
        KillMode = "mixed";
        TimeoutStopSec = 25;
        # No sandbox: options such as NoNewPrivileges or ProtectSystem break sudo and the rebuild itself.
      };
    };

    security.sudo.extraRules = rules;
    security.sudo-rs.extraRules = rules;
  };
}
