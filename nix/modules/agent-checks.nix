# By what a switch is judged before it is confirmed: the option `checks`, and the file that the agent reads.
{ lib }:
let
  inherit (lib) mkOption types;

  kinds = [
    "http"
    "tcp"
    "command"
  ];

  enforced = mkOption {
    type = types.bool;
    default = true;
    description = "Whether a failure takes the switch back. Otherwise it is only shown.";
  };
  timing = {
    inherit enforced;
    interval = mkOption {
      type = types.ints.between 1 300;
      default = 5;
      description = "Seconds between two attempts.";
    };
    timeout = mkOption {
      type = types.ints.between 1 300;
      default = 10;
      description = "Seconds that an attempt may take.";
    };
    tries = mkOption {
      type = types.ints.between 1 100;
      default = 6;
      description = "Attempts until the check counts as failed.";
    };
  };
  checksOf =
    description: options:
    mkOption {
      type = types.attrsOf (types.submodule { options = timing // options; });
      default = { };
      inherit description;
    };
in
{
  option = mkOption {
    default = { };
    description = "What decides whether a confirmed switch is kept. The checks of the new system count.";
    type = types.submodule {
      options = {
        units = mkOption {
          default = { };
          description = "Units that fail after the switch and did not fail before.";
          type = types.submodule {
            options = {
              inherit enforced;
              ignore = mkOption {
                type = types.listOf types.str;
                default = [ ];
                example = [ "backup-*.service" ];
                description = "Units whose failure does not count. `*` stands for any characters.";
              };
              settle = mkOption {
                type = types.ints.between 0 600;
                default = 5;
                description = "Seconds for which units are watched after the activation.";
              };
            };
          };
        };
        tests = mkOption {
          type = types.enum [
            "observe"
            "enforce"
            "off"
          ];
          default = "observe";
          description = "Whether the test scripts of the configuration repository run, and whether a failure takes the switch back.";
        };
        http = checksOf "URLs that must answer. Redirects are not followed." {
          url = mkOption {
            type = types.strMatching "https?://.+";
            example = "http://127.0.0.1:8080/health";
            description = "The address.";
          };
          status = mkOption {
            type = types.ints.between 100 599;
            default = 200;
            description = "The expected status.";
          };
        };
        tcp = checksOf "Ports that must accept connections." {
          host = mkOption {
            type = types.str;
            default = "127.0.0.1";
            description = "Name or address of the host.";
          };
          port = mkOption {
            type = types.ints.between 1 65535;
            description = "The port.";
          };
        };
        command = checksOf "Programs that must end with 0. They run as the agent's user, without a shell." {
          command = mkOption {
            type = types.listOf types.str;
            example = [
              "/run/current-system/sw/bin/zpool"
              "status"
              "-x"
            ];
            description = "The program and its arguments.";
          };
        };
      };
    };
  };

  # The content of /etc/nixfleet-agent/checks.json.
  file =
    checks:
    builtins.toJSON {
      inherit (checks) units tests;
      checks = builtins.concatMap (
        kind: lib.mapAttrsToList (name: check: check // { inherit kind name; }) checks.${kind}
      ) kinds;
    };

  # What the agent would refuse.
  assertions =
    checks:
    let
      names = builtins.concatMap (kind: builtins.attrNames checks.${kind}) kinds;
      isValid =
        name:
        builtins.match "[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}" name != null && name != "units" && name != "tests";
      count = name: builtins.length (builtins.filter (other: other == name) names);
    in
    [
      {
        assertion = builtins.all isValid names;
        message = "services.nixfleet-agent.checks: a name has 1 to 64 letters, digits, spaces, dots, underscores and hyphens, and is neither \"units\" nor \"tests\".";
      }
      {
        assertion = builtins.all (name: count name == 1) names;
        message = "services.nixfleet-agent.checks: two checks have the same name.";
      }
      {
        assertion = builtins.length names <= 30;
        message = "services.nixfleet-agent.checks: there may be at most 30 checks.";
      }
    ];
}
