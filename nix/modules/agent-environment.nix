# Maps the options to the agent's environment. Plain Nix, so that it can be tested without nixpkgs.
# Empty values are omitted: the agent has a default for each.
cfg:
let
  all = {
    NIXFLEET_URL = cfg.url;
    NIXFLEET_REPO_URL = cfg.repoUrl;
    NIXFLEET_REPO_DIR = cfg.configRepo;
    NIXFLEET_BRANCH = cfg.branch;
    NIXFLEET_INTERVAL = toString cfg.interval;
    NIXFLEET_LOG_LEVEL = cfg.logLevel;
    NIXFLEET_HOSTNAME = cfg.hostname;
    NIXFLEET_FLAKE_ATTRIBUTE = cfg.flakeAttribute;
    NIXFLEET_FLAKE_DIR = cfg.flakeDir;
    NIXFLEET_SUBMODULES = if cfg.submodules then "true" else "";
    NIXFLEET_NIXPKGS_VERSION = cfg.nixpkgsVersion;
    NIXFLEET_THEME_COLOR = cfg.themeColor;
    NIXFLEET_LOCATION = cfg.location;
    NIXFLEET_DEVICE_TYPE = cfg.deviceType;
    NIXFLEET_SSH_KEY = if cfg.sshKeyFile == null then "" else toString cfg.sshKeyFile;
  };
in
removeAttrs all (builtins.filter (name: all.${name} == "") (builtins.attrNames all))
