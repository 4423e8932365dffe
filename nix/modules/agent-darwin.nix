# services.nixfleet-agent for nix-darwin: a launchd agent of the user whose Home Manager configuration it switches.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.services.nixfleet-agent;
  packageFor = import ./package-for.nix {
    inherit self;
    inherit (pkgs.stdenv.hostPlatform) system;
  };
  policy = import ./agent-policy.nix { inherit lib; };
in
{
  # The same module from two places counts once.
  key = "nixfleet/agent-darwin";
  _file = ./agent-darwin.nix;

  options.services.nixfleet-agent =
    import ./agent-options.nix {
      inherit lib;
      defaultPackage = packageFor "nixfleet-agent";
    }
    // {
      policy = policy.option;

      user = lib.mkOption {
        type = lib.types.str;
        default = "";
        description = "The user whose Home Manager configuration is switched.";
      };
    };

  config = lib.mkIf cfg.enable {
    assertions = import ./agent-assertions.nix cfg ++ policy.assertions cfg.policy ++ policy.assertionsOfHome cfg.policy ++ [
      {
        assertion = cfg.user != "";
        message = "services.nixfleet-agent.user: name the user whose Home Manager configuration is switched.";
      }
    ];
    warnings = import ./agent-warnings.nix { inherit lib cfg; };
    environment.systemPackages = [ cfg.package ];
    # A part of the system, which the agent's user can't change.
    environment.etc."nixfleet-agent/policy.json" = lib.mkIf (cfg.policy != null) {
      text = policy.file cfg.policy;
    };
    launchd.user.agents.nixfleet-agent.serviceConfig = import ./agent-launchd.nix {
      inherit cfg;
      home = "/Users/${cfg.user}";
    };
  };
}
