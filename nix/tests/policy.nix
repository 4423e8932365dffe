# The option `policy` of the three modules, evaluated without nixpkgs. Printed as JSON for policy.test.ts.
let
  lib = import ./lib.nix;
  store = "/nix/store/00000000000000000000000000000000";
  self.packages.testSystem.nixfleet-agent.outPath = "${store}-nixfleet-agent";
  pkgsFor = isDarwin: {
    stdenv.hostPlatform = {
      system = "testSystem";
      inherit isDarwin;
    };
    callPackage = _: _: "${store}-nixfleet-root";
  };
  agent = file: isDarwin: others: policy: lib.evalModule {
    module = import file { inherit self; };
    service = "nixfleet-agent";
    pkgs = pkgsFor isDarwin;
    values = {
      enable = true;
      url = "wss://fleet.example.org/ws";
      tokenFile = "/run/secrets/nixfleet-agent";
      repoUrl = "https://git.example.org/you/nixcfg.git";
    }
    // (if others ? home then { inherit (others) switches; } else { user = "you"; })
    // (if policy == null then { } else { inherit policy; });
    inherit others;
  };
  nixos = agent ../modules/agent-nixos.nix false { };
  darwin = agent ../modules/agent-darwin.nix true { };
  homeThatSwitches = switches: isDarwin: agent ../modules/agent-home-manager.nix isDarwin {
    inherit switches;
    home.username = "you";
    home.homeDirectory = "/home/you";
  };
  homeOf = homeThatSwitches null;
  home = homeOf false;
  attempt =
    value:
    let
      tried = builtins.tryEval (builtins.deepSeq value value);
    in
    if tried.success then "accepted" else "refused";

  everything = {
    operations = [
      "pull"
      "switch"
    ];
    hours = {
      zone = "Europe/Berlin";
      windows = [
        {
          days = [ "sat" ];
          from = "22:00";
          to = "04:00";
        }
        {
          from = "00:00";
          to = "24:00";
        }
      ];
    };
    branches = [
      "main"
      "release/26.05"
    ];
    signers = ''
      # people
      alice@example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN
    '';
    oldestCommit = "0123456789abcdef0123456789abcdef01234567";
    confirmed = true;
  };
  fileOf = system: system.environment.etc."nixfleet-agent/policy.json".text;
  window = change: {
    hours = {
      zone = "UTC";
      windows = [
        (
          {
            from = "01:00";
            to = "02:00";
          }
          // change
        )
      ];
    };
  };
  # The messages of the assertions that fail.
  faultsOf = system: map (one: one.message) (builtins.filter (one: !one.assertion) system.assertions);
  faults = policy: faultsOf (nixos policy);
  confirmed = { confirmed = true; };
in
{
  files = {
    nixos = fileOf (nixos everything);
    darwin = fileOf (darwin everything);
    home = (home everything).home.file.".config/nixfleet-agent/policy.json".text;
    empty = fileOf (nixos { });
    nothing = fileOf (nixos { operations = [ ]; });
  };
  without = {
    nixos = (nixos null).environment.etc ? "nixfleet-agent/policy.json" && (nixos null).environment.etc."nixfleet-agent/policy.json" != { };
    darwin = (darwin null).environment.etc ? "nixfleet-agent/policy.json" && (darwin null).environment.etc."nixfleet-agent/policy.json" != { };
    home = (home null).home.file != { };
  };
  variables = {
    home = (home everything).systemd.user.services.nixfleet-agent.Service.Environment;
    homeWithout = (home null).systemd.user.services.nixfleet-agent.Service.Environment;
    homeDarwin = (homeOf true everything).launchd.agents.nixfleet-agent.config.EnvironmentVariables;
    nixos = (nixos everything).systemd.services.nixfleet-agent.environment;
  };
  faults = {
    none = faults everything;
    noWindow = faults {
      hours = {
        zone = "UTC";
        windows = [ ];
      };
    };
    noDay = faults (window { days = [ ]; });
    noLength = faults (window { to = "01:00"; });
    endOfDay = faults (window { from = "24:00"; });
    branch = faults { branches = [ "a..b" ]; };
    manyBranches = faults { branches = builtins.genList (index: "b${toString index}") 17; };
    signer = faults { signers = "alice AAAAC3Nza"; };
    noSigner = faults { signers = "# nobody\n"; };
  };
  # A home can't be switched with a confirmation.
  unconfirmable = {
    darwin = faultsOf (darwin confirmed);
    home = faultsOf (homeThatSwitches "home" false confirmed);
    homeDarwin = faultsOf (homeOf true confirmed);
  };
  confirmable = {
    nixos = faults confirmed;
    homeSystem = faultsOf (home confirmed);
    darwin = faultsOf (darwin { });
    home = faultsOf (homeThatSwitches "home" false { });
  };
  refused = builtins.mapAttrs (_: policy: attempt (nixos policy)) {
    operation = { operations = [ "swich" ]; };
    always = { operations = [ "stop" ]; };
    day = window { days = [ "monday" ]; };
    time = window { from = "25:00"; };
    shortTime = window { from = "9:00"; };
    zone = {
      hours = {
        zone = "Europe/Berlin; rm";
        windows = [ ];
      };
    };
    withoutZone = { hours.windows = [ ]; };
    option = { branches = [ "--upload-pack=x" ]; };
    pattern = { branches = [ "release/*" ]; };
    commit = { oldestCommit = "3c9a808"; };
    file = { signersFile = "signers"; };
    confirmed = { confirmed = "yes"; };
    misspelt = { branch = [ "main" ]; };
  };
}
