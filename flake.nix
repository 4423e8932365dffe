{
  description = "NixFleet: a self-hosted dashboard for fleets of NixOS and macOS hosts, and its agent";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      agentSystems = [
        "x86_64-linux"
        "aarch64-linux"
        "aarch64-darwin"
      ]
      ++ lib.optional hasIntelMacs intelMac;
      # nixpkgs 26.11 fails as soon as anything of this system is evaluated, and so would `nix flake check`. Up to 26.05 no
      # package set of another system has to be evaluated for the answer.
      intelMac = "x86_64-darwin";
      hasIntelMacs =
        nixpkgs.legacyPackages ? ${intelMac}
        && (
          lib.versionOlder lib.trivial.release "26.11"
          || (builtins.tryEval nixpkgs.legacyPackages.${intelMac}.stdenv.hostPlatform.system).success
        );
      isLinux = system: lib.hasSuffix "-linux" system;
      sourceCommit = self.rev or "";

      packagesFor =
        pkgs:
        {
          nixfleet-agent = pkgs.callPackage ./nix/packages/agent.nix { inherit sourceCommit; };
        }
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux {
          nixfleet = pkgs.callPackage ./nix/packages/dashboard.nix { inherit sourceCommit; };
        };
      module = file: import file { inherit self; };
    in
    {
      packages = lib.genAttrs agentSystems (
        system:
        let
          packages = packagesFor nixpkgs.legacyPackages.${system};
        in
        # The dashboard on Linux. In NixFleet 3, it was the agent on every system.
        packages // { default = packages.${if isLinux system then "nixfleet" else "nixfleet-agent"}; }
      );

      overlays.default = final: _prev: packagesFor final;

      nixosModules = rec {
        nixfleet-agent = module ./nix/modules/agent-nixos.nix;
        nixfleet = module ./nix/modules/dashboard-nixos.nix;
        # As in NixFleet 3: the agent, which every host imports.
        default = nixfleet-agent;
      };
      homeModules = rec {
        nixfleet-agent = module ./nix/modules/agent-home-manager.nix;
        default = nixfleet-agent;
      };
      # The earlier name, as in NixFleet 3.
      homeManagerModules = self.homeModules;
      darwinModules = rec {
        nixfleet-agent = module ./nix/modules/agent-darwin.nix;
        default = nixfleet-agent;
      };

      checks = lib.genAttrs (lib.filter isLinux agentSystems) (system: {
        inherit (self.packages.${system}) nixfleet nixfleet-agent;
      });

      devShells = lib.genAttrs agentSystems (
        system:
        let
          pkgs = nixpkgs.legacyPackages.${system};
        in
        {
          default = pkgs.mkShell {
            packages = [
              pkgs.nodejs_24
              pkgs.git
              pkgs.python3
            ];
          };
        }
      );
    };
}
