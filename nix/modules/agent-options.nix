# The options of the agent in every module. Names and defaults are those of NixFleet 3: a host's configuration works
# unchanged.
{ lib, defaultPackage }:
let
  inherit (lib) mkEnableOption mkOption types;
in
{
  enable = mkEnableOption "the NixFleet agent";

  package = mkOption {
    type = types.package;
    default = defaultPackage;
    defaultText = "nixfleet-agent of the flake";
    description = "The agent to run.";
  };

  url = mkOption {
    type = types.str;
    default = "";
    example = "wss://fleet.example.org/ws";
    description = "Address of the dashboard's socket for agents, with its path `/ws`.";
  };

  tokenFile = mkOption {
    type = types.path;
    example = "/run/secrets/nixfleet-agent";
    description = ''
      File with the agent token: the bare token, or a line `NIXFLEET_TOKEN=…`. Both forms work everywhere. It is read
      when the agent starts and is never copied into the store; write a path as a string.
    '';
  };

  repoUrl = mkOption {
    type = types.str;
    default = "";
    example = "https://git.example.org/you/nixcfg.git";
    description = "The configuration repository. The agent maintains a clone of it in its state folder.";
  };

  configRepo = mkOption {
    type = types.str;
    default = "";
    description = "Deprecated: a checkout on the host that you maintain. Use `repoUrl`.";
  };

  branch = mkOption {
    type = types.str;
    default = "main";
    description = "The branch that the host follows.";
  };

  interval = mkOption {
    type = types.ints.between 1 3600;
    default = 5;
    description = "Seconds between heartbeats.";
  };

  logLevel = mkOption {
    type = types.enum [
      "debug"
      "info"
      "warn"
      "error"
    ];
    default = "info";
    description = "How much the agent logs.";
  };

  hostname = mkOption {
    type = types.str;
    default = "";
    description = "Name of the host in the dashboard, in `hosts/<name>` and in the flake. Empty: the machine's host name.";
  };

  flakeAttribute = mkOption {
    type = types.str;
    default = "";
    example = "alice@laptop";
    description = ''
      Name of this host below `nixosConfigurations` or `homeConfigurations`. Empty: `hostname`; without that, the
      machine's host name, in lower case where the flake has that.
    '';
  };

  flakeDir = mkOption {
    type = types.str;
    default = "";
    example = "systems/home";
    description = "Folder of the flake in the repository. Set `NIXFLEET_FLAKE_DIR` to the same on the dashboard.";
  };

  submodules = mkOption {
    type = types.bool;
    default = false;
    description = "Whether the configuration needs the submodules of the repository.";
  };

  version = mkOption {
    type = types.str;
    default = "0.0.0";
    visible = false;
    description = "Not used; kept so that older configurations evaluate.";
  };

  nixpkgsVersion = mkOption {
    type = types.str;
    default = "";
    description = "The version of nixpkgs to report; no page shows it. Empty: the version of the running system.";
  };

  themeColor = mkOption {
    type = types.str;
    default = "";
    example = "#7aa2f7";
    description = "Colour of the host in the dashboard.";
  };

  location = mkOption {
    type = types.enum [
      "home"
      "work"
      "cloud"
    ];
    default = "home";
    description = "Where the host is.";
  };

  deviceType = mkOption {
    type = types.enum [
      "server"
      "desktop"
      "laptop"
      "gaming"
    ];
    default = "desktop";
    description = "What the host is.";
  };

  sshKeyFile = mkOption {
    type = types.nullOr types.path;
    default = null;
    description = "Private key for a repository over SSH, readable for the agent's user.";
  };
}
