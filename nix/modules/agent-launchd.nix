# The launchd agent, in the form that Home Manager and nix-darwin both accept. No wrapper waits for the dashboard or the
# network: the agent reconnects by itself. No wrapper reads the token: the agent reads its file.
{
  cfg,
  home,
  # Further variables of the agent.
  variables ? { },
}:
{
  Label = "com.nixfleet.agent";
  ProgramArguments = [ "${cfg.package}/bin/nixfleet-agent" ];
  EnvironmentVariables = import ./agent-environment.nix cfg // variables // {
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
  # launchd's minimum pause; the agent starts again after it.
  ThrottleInterval = 3;
  ProcessType = "Background";
  StandardOutPath = "/tmp/nixfleet-agent.log";
  StandardErrorPath = "/tmp/nixfleet-agent.err";
}
