# The launchd agent, as Home Manager and nix-darwin both want it. No wrapper waits for the dashboard or the network: the
# agent dials again by itself. No wrapper reads the token: the agent reads its file.
{
  cfg,
  home,
}:
{
  Label = "com.nixfleet.agent";
  ProgramArguments = [ "${cfg.package}/bin/nixfleet-agent" ];
  EnvironmentVariables = import ./agent-environment.nix cfg // {
    NIXFLEET_TOKEN_FILE = toString cfg.tokenFile;
    NIXFLEET_STATE_DIR = "${home}/.local/state/nixfleet-agent";
    PATH = builtins.concatStringsSep ":" [
      "${home}/.nix-profile/bin"
      "/etc/profiles/per-user/${baseNameOf home}/bin"
      "/run/current-system/sw/bin"
      "/nix/var/nix/profiles/default/bin"
      "/usr/bin"
      "/bin"
      "/usr/sbin"
      "/sbin"
    ];
  };
  RunAtLoad = true;
  KeepAlive = true;
  # launchd's own least pause; an agent that was told to restart is back after it.
  ThrottleInterval = 3;
  ProcessType = "Background";
  StandardOutPath = "/tmp/nixfleet-agent.log";
  StandardErrorPath = "/tmp/nixfleet-agent.err";
}
