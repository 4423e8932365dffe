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
      user = lib.mkOption {
        type = lib.types.str;
        default = "";
        description = "The user whose Home Manager configuration is switched.";
      };
    };

  config = lib.mkIf cfg.enable {
    assertions = import ./agent-assertions.nix cfg ++ [
      {
        assertion = cfg.user != "";
        message = "services.nixfleet-agent.user: name the user whose Home Manager configuration is switched.";
      }
    ];
    warnings = import ./agent-warnings.nix { inherit lib cfg; };
    environment.systemPackages = [ cfg.package ];
    launchd.user.agents.nixfleet-agent.serviceConfig = import ./agent-launchd.nix {
      inherit cfg;
      home = "/Users/${cfg.user}";
    };
  };
}
