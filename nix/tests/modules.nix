# The modules, evaluated without nixpkgs. Printed as JSON for nix.test.ts.
let
  lib = import ./lib.nix;
  store = "/nix/store/00000000000000000000000000000000";
  self.packages.testSystem = {
    nixfleet-agent.outPath = "${store}-nixfleet-agent";
    nixfleet.outPath = "${store}-nixfleet";
  };
  pkgsFor = isDarwin: {
    stdenv.hostPlatform = {
      system = "testSystem";
      inherit isDarwin;
    };
    git.outPath = "${store}-git";
    openssh.outPath = "${store}-openssh";
    nix.outPath = "${store}-nix";
    systemd.outPath = "${store}-systemd";
    writeShellScriptBin = name: text: { inherit name text; };
    # The package of nixfleet-root.
    inherit lib;
    bash.outPath = "${store}-bash";
    coreutils.outPath = "${store}-coreutils";
    gnused.outPath = "${store}-gnused";
    util-linux.outPath = "${store}-util-linux";
    writeTextFile = { name, text, ... }: { inherit name text; };
    callPackage =
      file: overrides:
      let
        function = import file;
      in
      function (builtins.intersectAttrs (builtins.functionArgs function) (pkgsFor isDarwin) // overrides);
  };
  agent = file: isDarwin: others: values: lib.evalModule {
    module = import file { inherit self; };
    service = "nixfleet-agent";
    pkgs = pkgsFor isDarwin;
    inherit values others;
  };
  nixos = agent ../modules/agent-nixos.nix false { };
  homeOthers = isDarwin: {
    home.username = "you";
    home.homeDirectory = if isDarwin then "/Users/you" else "/home/you";
  };
  home = isDarwin: agent ../modules/agent-home-manager.nix isDarwin (homeOthers isDarwin);
  # As a part of a NixOS configuration.
  homeInNixos =
    osConfig: values:
    lib.evalModule {
      module = import ../modules/agent-home-manager.nix { inherit self; };
      service = "nixfleet-agent";
      pkgs = pkgsFor false;
      others = homeOthers false;
      arguments = { inherit osConfig; };
      inherit values;
    };
  darwin = agent ../modules/agent-darwin.nix true { };
  dashboard =
    values:
    lib.evalModule {
      module = import ../modules/dashboard-nixos.nix { inherit self; };
      service = "nixfleet";
      pkgs = pkgsFor false;
      inherit values;
    };
  attempt =
    value:
    let
      tried = builtins.tryEval (builtins.deepSeq value value);
    in
    if tried.success then tried.value else "refused";

  # As in the documentation of NixFleet 3.
  ofVersion3 = {
    enable = true;
    url = "wss://fleet.example.org/ws";
    tokenFile = "/run/secrets/nixfleet-agent";
    repoUrl = "https://git.example.org/you/nixcfg.git";
    branch = "main";
  };
  everyOption = ofVersion3 // {
    interval = 30;
    logLevel = "debug";
    hostname = "h1";
    flakeAttribute = "you@h1";
    flakeDir = "systems/home";
    submodules = true;
    version = "3.1.5";
    nixpkgsVersion = "25.11";
    themeColor = "#7aa2f7";
    location = "cloud";
    deviceType = "server";
    sshKeyFile = "/run/secrets/key";
  };
  ofUser = values: values // { user = "you"; };
  # Whether a password is found in an address.
  addresses = map (address: {
    inherit address;
    found = import ../modules/has-credentials.nix address;
  });
in
{
  credentials = addresses [
    "https://you:secret@git.example.org/nixcfg.git"
    "ssh://you:secret@git.example.org/nixcfg.git"
    "https://ghp_0123456789abcdefghij@git.example.org/nixcfg.git"
    "https://you@git.example.org/nixcfg.git"
    "https://git.example.org/a@b:c/nixcfg.git"
    "ssh://git@git.example.org:2222/nixcfg.git"
    "git@git.example.org:you/nixcfg.git"
    "/srv/nixcfg.git"
    ""
  ];
  secretVariables = import ../modules/secret-variables.nix;
  keys = map (file: (import file { inherit self; } { inherit lib; config = { }; pkgs = pkgsFor false; }).key) [
    ../modules/agent-nixos.nix
    ../modules/agent-home-manager.nix
    ../modules/agent-darwin.nix
    ../modules/dashboard-nixos.nix
  ];
  nixos = nixos (ofUser ofVersion3);
  nixosEverything = nixos (ofUser everyOption);
  nixosOff = nixos { };
  nixosFaults = nixos {
    enable = true;
    tokenFile = "/t";
  };
  nixosChecks = nixos (
    ofUser ofVersion3
    // {
      checks = {
        units.ignore = [ "backup-*.service" ];
        tests = "enforce";
        http.web.url = "http://127.0.0.1/";
        tcp.ssh.port = 22;
        command.disk = {
          command = [ "df" "/" ];
          enforced = false;
        };
      };
    }
  );
  nixosCheckFaults = nixos (
    ofUser ofVersion3
    // {
      checks = {
        tcp.units.port = 1;
        tcp.web.port = 2;
        http.web.url = "http://127.0.0.1/";
      };
    }
  );
  nixosNoReboot = nixos (ofUser ofVersion3 // { allowReboot = false; });
  nixosHelperOnly = nixos (
    ofUser ofVersion3
    // {
      legacySudoRules = false;
      outputGroup = "wheel";
    }
  );
  nixosSpecial = agent ../modules/agent-nixos.nix false { security.sudo.enable = false; } (
    ofUser ofVersion3
    // {
      repoUrl = "https://you:s%20c@git.example.org/nixcfg.git";
      tokenFile = "/run/100%/token";
      themeColor = "a \"quoted\" \\ value";
    }
  );
  homeSpecial = home false (
    ofVersion3
    // {
      repoUrl = "https://you:s%20c@git.example.org/nixcfg.git";
      themeColor = "a \"quoted\" \\ value";
    }
  );
  homeInNixos = homeInNixos { users.users.you.linger = true; } ofVersion3;
  homeWithoutLinger = homeInNixos {
    users.users.you = { };
    security.sudo.enable = false;
  } ofVersion3;
  homeOnly = homeInNixos { security.sudo.enable = false; } (ofVersion3 // { switches = "home"; });
  homeDarwin = home true everyOption;
  homeLinux = home false (ofVersion3 // { switches = "home"; });
  darwin = darwin (ofUser ofVersion3);
  refused = {
    interval = attempt (nixos (ofUser ofVersion3 // { interval = 0; }));
    checkAddress = attempt (nixos (ofUser ofVersion3 // { checks.http.web.url = "file:///etc/passwd"; }));
    checkWithoutPort = attempt (nixos (ofUser ofVersion3 // { checks.tcp.web = { }; }));
    checkMisspelt = attempt (nixos (ofUser ofVersion3 // { checks.unit = { }; }));
    location = attempt (nixos (ofUser ofVersion3 // { location = "moon"; }));
    misspelt = attempt (nixos (ofUser ofVersion3 // { tokenfile = "/t"; }));
    outputGroup = attempt (nixos (ofUser ofVersion3 // { outputGroup = "x'; reboot; '"; }));
    tokenFile = attempt (nixos (ofUser (removeAttrs ofVersion3 [ "tokenFile" ])));
  };
  dashboard = dashboard {
    enable = true;
    baseUrl = "https://fleet.example.org";
    passwordHashFile = "/run/secrets/hash";
    agentTokenFile = "/run/secrets/token";
    settings = {
      NIXFLEET_CONFIG_REPO = "https://git.example.org/you/nixcfg.git";
      NIXFLEET_REQUIRE_TOTP = false;
    };
    openFirewall = true;
    listen = ":9000";
  };
  dashboardBackups = dashboard {
    enable = true;
    environmentFiles = [ "/run/secrets/nixfleet.env" ];
    settings = {
      NIXFLEET_BACKUP_DIR = "/mnt/backups";
      NIXFLEET_BACKUP_COPY_DIR = "/mnt/share";
    };
  };
  dashboardSpecial = dashboard {
    enable = true;
    baseUrl = "https://fleet.example.org/100%";
    agentTokenFile = "/run/100%/token";
    environmentFiles = [ "/run/100%/env" ];
    settings = {
      NIXFLEET_BACKUP_DIR = "/mnt/100%";
      NIXFLEET_BACKUP_COPY_DIR = "/mnt/my backups";
      NIXFLEET_CONFIG_REPO = "https://you:secret@git.example.org/nixcfg.git";
      NIXFLEET_GITHUB_TOKEN = "secret";
      NIXFLEET_FORGEJO_TOKEN = "";
    };
  };
  dashboardFault = dashboard {
    enable = true;
    passwordHashFile = "/run/secrets/hash";
    settings.NIXFLEET_REQUIRE_TOTP = true;
  };
}
