# What the host accepts from its dashboard: the option `policy`, and the file that the agent reads.
{ lib }:
let
  inherit (lib) mkOption types;

  operations = [
    "pull"
    "switch"
    "pull-switch"
    "boot"
    "test"
    "rollback"
    "switch-generation"
    "update"
    "force-update"
    "restart"
    "reboot"
    "kill"
  ];
  days = [
    "mon"
    "tue"
    "wed"
    "thu"
    "fri"
    "sat"
    "sun"
  ];
  time = types.strMatching "([01][0-9]|2[0-3]):[0-5][0-9]|24:00";

  isSet = value: value != null && value != "" && value != [ ];
  windows = policy: if policy.hours == null then [ ] else policy.hours.windows;
  lines = text: builtins.filter builtins.isString (builtins.split "\n" text);
  isComment = line: builtins.match "[[:space:]]*(#.*)?" line != null;
  isSigner =
    line:
    builtins.match ".*[^[:space:]][[:space:]]+(ssh-|ecdsa-|sk-)[a-z0-9@.-]+[[:space:]]+[A-Za-z0-9+/]+=*([[:space:]].*)?" line
    != null;
  signers = policy: builtins.filter (line: !(isComment line)) (lines policy.signers);
in
{
  option = mkOption {
    default = null;
    description = ''
      What this host accepts from its dashboard. The agent refuses everything else, also when the dashboard is hacked.
      The policy of the running system counts, so that a configuration with another one has to satisfy this one first.
      Checks, refreshes and Stop are always accepted. null: everything is accepted.
    '';
    type = types.nullOr (
      types.submodule {
        options = {
          operations = mkOption {
            type = types.nullOr (types.listOf (types.enum operations));
            default = null;
            example = [
              "pull"
              "switch"
              "pull-switch"
            ];
            description = "The operations that are accepted. null: all.";
          };
          hours = mkOption {
            default = null;
            description = ''
              When operations that change the host are accepted. An operation that has begun continues when the window
              closes. null: always.
            '';
            type = types.nullOr (
              types.submodule {
                options = {
                  zone = mkOption {
                    type = types.strMatching "[A-Za-z0-9_+/-]+";
                    example = "Europe/Berlin";
                    description = "The time zone, by its name in the IANA database.";
                  };
                  windows = mkOption {
                    description = "The windows of the week. One of them has to be open.";
                    type = types.listOf (
                      types.submodule {
                        options = {
                          days = mkOption {
                            type = types.listOf (types.enum days);
                            default = days;
                            description = "The days on which the window begins.";
                          };
                          from = mkOption {
                            type = time;
                            example = "22:00";
                            description = "When it begins.";
                          };
                          to = mkOption {
                            type = time;
                            example = "04:00";
                            description = "When it ends: on the next day, if that is before its beginning.";
                          };
                        };
                      }
                    );
                  };
                };
              }
            );
          };
          branches = mkOption {
            type = types.listOf (types.strMatching "[^-/.~^:?*[:space:]\\[][^~^:?*[:space:]\\[]*");
            default = [ ];
            example = [ "main" ];
            description = "The commit has to be on one of these branches of the remote. Empty: on any.";
          };
          signers = mkOption {
            type = types.lines;
            default = "";
            example = "alice@example.org ssh-ed25519 AAAAC3Nza…";
            description = ''
              The content of an allowed-signers file of SSH (ssh-keygen(1)). The commit has to carry an SSH signature by
              one of them. Empty, without `signersFile`: it need not be signed.
            '';
          };
          signersFile = mkOption {
            type = types.nullOr (types.strMatching "/.+");
            default = null;
            example = "/etc/nixfleet-agent/signers";
            description = "The path of such a file on the host, in addition to `signers`. Not in the agent's clone.";
          };
          oldestCommit = mkOption {
            type = types.nullOr (types.strMatching "[0-9a-f]{40}|[0-9a-f]{64}");
            default = null;
            description = "The full hash of a commit. What is built has to be it or a descendant. null: any.";
          };
          confirmed = mkOption {
            type = types.bool;
            default = false;
            description = ''
              Whether a new system is accepted by a confirmed switch only, which takes itself back unless the host is
              reached again.
            '';
          };
        };
      }
    );
  };

  # The content of policy.json.
  file =
    policy:
    builtins.toJSON (
      removeAttrs policy (builtins.filter (name: !(isSet policy.${name} || name == "operations" && policy.operations != null)) (builtins.attrNames policy))
    );

  # Where the agent switches a home: it can't confirm that, so that it would refuse every switch.
  assertionsOfHome = policy: [
    {
      assertion = policy == null || !policy.confirmed;
      message = "services.nixfleet-agent.policy.confirmed: switches of Home Manager can't be confirmed, so the host would refuse them all. Leave it out.";
    }
  ];

  # What the agent would refuse.
  assertions =
    policy:
    lib.optionals (policy != null) [
      {
        assertion = policy.hours == null || (windows policy != [ ] && builtins.length (windows policy) <= 32);
        message = "services.nixfleet-agent.policy.hours: write 1 to 32 windows, or null for any time.";
      }
      {
        assertion = builtins.all (window: window.days != [ ]) (windows policy);
        message = "services.nixfleet-agent.policy.hours: a window needs at least one day.";
      }
      {
        assertion = builtins.all (window: window.from != window.to && window.from != "24:00") (windows policy);
        message = "services.nixfleet-agent.policy.hours: a window can't begin when it ends; write 00:00 to 24:00 for a whole day.";
      }
      {
        assertion =
          builtins.length policy.branches <= 16
          && builtins.all (
            branch: builtins.stringLength branch <= 200 && builtins.match ".*[.][.].*" branch == null
          ) policy.branches;
        message = "services.nixfleet-agent.policy.branches: write at most 16 names of branches.";
      }
      {
        assertion =
          policy.signers == "" || (signers policy != [ ] && builtins.all isSigner (signers policy));
        message = "services.nixfleet-agent.policy.signers: write lines of an allowed-signers file, such as \"alice@example.org ssh-ed25519 AAAA…\".";
      }
    ];
}
