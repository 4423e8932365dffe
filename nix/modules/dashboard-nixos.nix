# services.nixfleet for NixOS: the dashboard as a hardened service, secrets by file.
#
#   services.nixfleet = {
#     enable = true;
#     baseUrl = "https://fleet.example.org";
#     agentTokenFile = "/run/secrets/nixfleet-agent-token";
#   };
#   services.caddy.virtualHosts."fleet.example.org".extraConfig = "reverse_proxy 127.0.0.1:8000";
#
# With nginx:
#
#   services.nginx.virtualHosts."fleet.example.org" = {
#     forceSSL = true;
#     enableACME = true;
#     locations."/" = { proxyPass = "http://127.0.0.1:8000"; proxyWebsockets = true; recommendedProxySettings = true; };
#   };
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nixfleet;
  inherit (lib) mkDefault mkOption types;
  escape = import ./systemd-escape.nix;
  quote = import ./systemd-quote.nix;
  packageFor = import ./package-for.nix {
    inherit self;
    inherit (pkgs.stdenv.hostPlatform) system;
  };

  secretFile =
    what:
    mkOption {
      type = types.nullOr types.path;
      default = null;
      description = "File with ${what}. Read by systemd as root when the service starts; write a path as a string.";
    };

  # Name of the credential, the variable whose _FILE form names it, and the file.
  secrets = lib.filter (secret: secret.file != null) [
    {
      name = "password-hash";
      variable = "NIXFLEET_PASSWORD_HASH";
      file = cfg.passwordHashFile;
    }
    {
      name = "session-secret";
      variable = "NIXFLEET_SESSION_SECRET";
      file = cfg.sessionSecretFile;
    }
    {
      name = "totp-secret";
      variable = "NIXFLEET_TOTP_SECRET";
      file = cfg.totpSecretFile;
    }
    {
      name = "agent-token";
      variable = "NIXFLEET_AGENT_TOKEN";
      file = cfg.agentTokenFile;
    }
  ];

  hasCredentials = import ./has-credentials.nix;
  settings = lib.mapAttrs (
    _: value: if lib.isBool value then lib.boolToString value else toString value
  ) cfg.settings;
  dataDir = "/var/lib/nixfleet";
  # Folders for backups outside the data folder, which the sandbox would make read-only.
  backupFolders = lib.filter (folder: folder != "") [
    (settings.NIXFLEET_BACKUP_DIR or "")
    (settings.NIXFLEET_BACKUP_COPY_DIR or "")
  ];

  # The nixfleet program with the user, the data and the settings of the service. Without its credentials: the commands
  # need none. Paths have to be absolute.
  command =
    let
      properties = [
        "DynamicUser=yes"
        "User=nixfleet"
        "StateDirectory=nixfleet"
        "StateDirectoryMode=0700"
        "UMask=0077"
      ]
      ++ map (folder: "ReadWritePaths=${quote "-${folder}"}") backupFolders
      ++ map (file: "EnvironmentFile=${toString file}") cfg.environmentFiles;
      environment = settings // {
        NIXFLEET_DATA_DIR = dataDir;
        HOME = dataDir;
      };
      options =
        map (property: "--property=${property}") properties
        ++ lib.mapAttrsToList (name: value: "--setenv=${name}=${value}") environment;
    in
    pkgs.writeShellScriptBin "nixfleet" ''
      exec ${pkgs.systemd}/bin/systemd-run --quiet --collect --wait --pipe \
        ${lib.concatStringsSep " \\\n  " (map lib.escapeShellArg options)} \
        -- ${cfg.package}/bin/nixfleet "$@"
    '';
in
{
  # The same module from two places counts once.
  key = "nixfleet/dashboard-nixos";
  _file = ./dashboard-nixos.nix;

  options.services.nixfleet = {
    enable = lib.mkEnableOption "the NixFleet dashboard";

    package = mkOption {
      type = types.package;
      default = packageFor "nixfleet";
      defaultText = "nixfleet of the flake";
      description = "The dashboard to run.";
    };

    listen = mkOption {
      type = types.str;
      default = "127.0.0.1:8000";
      description = "Address and port. The dashboard speaks plain HTTP: leave it to a reverse proxy with TLS.";
    };

    baseUrl = mkOption {
      type = types.str;
      default = "";
      example = "https://fleet.example.org";
      description = "Public address, as browsers see it.";
    };

    trustedProxies = mkOption {
      type = types.listOf types.str;
      default = [
        "127.0.0.1"
        "::1"
      ];
      description = "Reverse proxies whose X-Forwarded-For is believed.";
    };

    passwordHashFile = secretFile "the operator's password as a bcrypt hash. Without it the first start prints a set-up link";
    sessionSecretFile = secretFile "the secret behind the session cookies. Without it the dashboard generates one";
    totpSecretFile = secretFile "the secret of the second factor in base32. Without it set-up enrols one";
    agentTokenFile = secretFile "the token that agents present. Without it the dashboard generates one";

    settings = mkOption {
      type = types.attrsOf (
        types.oneOf [
          types.str
          types.int
          types.bool
        ]
      );
      default = { };
      example = {
        NIXFLEET_CONFIG_REPO = "https://git.example.org/you/nixcfg.git";
      };
      description = "Further environment variables of the dashboard (see its README). Not for secrets: the store is readable.";
    };

    environmentFiles = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "Files with further variables, for secrets that have no option here (a forge's token).";
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Open the port. Only where no proxy on this machine stands in front.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.passwordHashFile == null || cfg.totpSecretFile != null || !(cfg.settings.NIXFLEET_REQUIRE_TOTP or false);
        message = "services.nixfleet: NIXFLEET_REQUIRE_TOTP with a passwordHashFile needs a totpSecretFile.";
      }
    ];

    warnings =
      map (
        name:
        "services.nixfleet.settings.${name} is a secret that every user of the host can read in the store. "
        + "Set it in environmentFiles instead."
      ) (lib.filter (name: settings.${name} or "" != "") (import ./secret-variables.nix))
      ++ lib.optional (hasCredentials (settings.NIXFLEET_CONFIG_REPO or "")) (
        "services.nixfleet.settings.NIXFLEET_CONFIG_REPO contains a password, which every user of the host can read in "
        + "the store. Set it in environmentFiles instead, or use a deploy key. A later version will refuse it."
      );

    # `sudo nixfleet restore FILE`, as the dashboard's messages say.
    environment.systemPackages = [ command ];

    systemd.services.nixfleet = {
      description = "NixFleet dashboard";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      path = [
        pkgs.git
        pkgs.openssh
        pkgs.nix
      ];
      environment =
        lib.mapAttrs (_: escape) (
          settings
          // {
            NIXFLEET_DATA_DIR = dataDir;
            NIXFLEET_LISTEN = cfg.listen;
            NIXFLEET_TRUSTED_PROXIES = lib.concatStringsSep "," cfg.trustedProxies;
            HOME = dataDir;
          }
          // lib.optionalAttrs (cfg.baseUrl != "") { NIXFLEET_BASE_URL = cfg.baseUrl; }
        )
        // lib.listToAttrs (
          map (secret: {
            name = "${secret.variable}_FILE";
            value = "%d/${secret.name}";
          }) secrets
        );
      serviceConfig = {
        ExecStart = "${cfg.package}/bin/nixfleet-dashboard";
        LoadCredential = map (secret: "${secret.name}:${escape (toString secret.file)}") secrets;
        EnvironmentFile = map (file: escape (toString file)) cfg.environmentFiles;
        DynamicUser = true;
        StateDirectory = "nixfleet";
        StateDirectoryMode = "0700";
        # Without an error for a folder that is missing: the dashboard then says what to do.
        ReadWritePaths = map (folder: quote "-${escape folder}") backupFolders;
        UMask = "0077";
        Restart = "on-failure";
        # Grows from 5 s to 60 s with the number of restarts. systemd before 254 restarts each time after RestartSec: it
        # ignores the other two and writes a warning to its log.
        RestartSec = mkDefault 5;
        RestartSteps = mkDefault 5;
        RestartMaxDelaySec = mkDefault 60;
        # It stops within 10 s by itself.
        TimeoutStopSec = mkDefault 20;

        CapabilityBoundingSet = "";
        LockPersonality = true;
        # Not MemoryDenyWriteExecute: V8 compiles at run time.
        NoNewPrivileges = true;
        PrivateDevices = true;
        PrivateTmp = true;
        PrivateUsers = true;
        ProcSubset = "pid";
        ProtectClock = true;
        ProtectControlGroups = true;
        ProtectHome = true;
        ProtectHostname = true;
        ProtectKernelLogs = true;
        ProtectKernelModules = true;
        ProtectKernelTunables = true;
        ProtectProc = "invisible";
        ProtectSystem = "strict";
        RemoveIPC = true;
        RestrictAddressFamilies = [
          "AF_INET"
          "AF_INET6"
          "AF_UNIX"
        ];
        RestrictNamespaces = true;
        RestrictRealtime = true;
        RestrictSUIDSGID = true;
        SystemCallArchitectures = "native";
        SystemCallFilter = [
          "@system-service"
          # V8 protects the code it compiles with memory protection keys.
          "@pkey"
          "~@privileged"
        ];
      };
    };

    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [
      (lib.toInt (lib.last (lib.splitString ":" cfg.listen)))
    ];
  };
}
