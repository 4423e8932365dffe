// @ts-check
/** The files of the demo's configuration repository. */

/**
 * @typedef {object} RepositoryHost
 * @property {string} name
 * @property {'nixos' | 'macos'} type
 */

/**
 * @param {readonly RepositoryHost[]} hosts
 * @returns {Record<string, string>} path and contents; scripts must be executable
 */
export function repositoryFiles(hosts) {
  /** @type {Record<string, string>} */
  const files = {
    'flake.nix': flake(hosts),
    'README.md':
      '# Fleet configuration\n\nOne folder for each host, in `hosts/`. Tests of a host are in its `tests/`.\n',
    'modules/common.nix': COMMON,
  };
  for (const host of hosts) Object.assign(files, hostFiles(host));
  return files;
}

/** @param {readonly RepositoryHost[]} hosts */
function flake(hosts) {
  const entries = (/** @type {string} */ type, /** @type {(name: string) => string} */ entry) =>
    hosts.filter((host) => host.type === type).map(({ name }) => `        ${entry(name)}`);
  return `{
  description = "The fleet";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.11";
    home-manager.url = "github:nix-community/home-manager/release-25.11";
    nixfleet.url = "github:example/nixfleet";
  };

  outputs =
    inputs@{ nixpkgs, home-manager, ... }:
    let
      nixos = name: nixpkgs.lib.nixosSystem {
        specialArgs = { inherit inputs; };
        modules = [ ./modules/common.nix ./hosts/\${name}/configuration.nix ];
      };
      home = name: home-manager.lib.homeManagerConfiguration {
        pkgs = nixpkgs.legacyPackages.aarch64-darwin;
        modules = [ ./hosts/\${name}/configuration.nix ];
      };
    in
    {
      nixosConfigurations = {
${entries('nixos', (name) => `${name} = nixos "${name}";`).join('\n')}
      };
      homeConfigurations = {
${entries('macos', (name) => `${name} = home "${name}";`).join('\n')}
      };
    };
}
`;
}

const COMMON = `{ pkgs, ... }:
{
  nix.settings.experimental-features = [ "nix-command" "flakes" ];
  nix.gc = { automatic = true; dates = "weekly"; };
  time.timeZone = "UTC";
  services.openssh.enable = true;
  environment.systemPackages = [ pkgs.git pkgs.ripgrep pkgs.htop ];
}
`;

/**
 * @param {RepositoryHost} host
 * @returns {Record<string, string>}
 */
function hostFiles({ name, type }) {
  const folder = `hosts/${name}`;
  return {
    [`${folder}/configuration.nix`]: type === 'nixos' ? nixosHost(name) : homeHost(),
    [`${folder}/tests/10-configuration.sh`]: configurationTest(folder),
    [`${folder}/tests/20-disk.sh`]: DISK_TEST,
    [`${folder}/tests/30-services.sh`]: type === 'nixos' ? SERVICES_TEST : GENERATION_TEST,
  };
}

/** @param {string} name */
function nixosHost(name) {
  return `{ inputs, pkgs, ... }:
{
  imports = [ inputs.nixfleet.nixosModules.agent ];

  networking.hostName = "${name}";
  services.nixfleet-agent.enable = true;
  services.prometheus.exporters.node.enable = true;
  services.restic.backups.home.paths = [ "/home" ];
  system.stateVersion = "25.05";
}
`;
}

function homeHost() {
  return `{ inputs, pkgs, ... }:
{
  imports = [ inputs.nixfleet.homeManagerModules.agent ];

  home.username = "ada";
  home.homeDirectory = "/Users/ada";
  services.nixfleet-agent.enable = true;
  programs.fish.enable = true;
  programs.starship.enable = true;
  home.stateVersion = "25.05";
}
`;
}

/** @param {string} folder */
function configurationTest(folder) {
  return `#!/bin/sh
# The checkout is complete, and nobody has edited it by hand.
set -eu
for file in flake.nix flake.lock ${folder}/configuration.nix; do
  [ -s "$file" ] || { echo "$file is missing or empty" >&2; exit 1; }
  echo "found $file"
done
git diff --quiet HEAD -- || { echo "the checkout has changes that were not committed:" >&2; git diff --stat HEAD -- >&2; exit 1; }
echo "the checkout is what the repository says"
`;
}

const DISK_TEST = `#!/bin/sh
# There is room for a rebuild.
set -eu
used=$(df -P . | awk 'NR == 2 { sub("%", "", $5); print $5 }')
echo "$used % of the disk is used"
[ "$used" -lt 98 ] || { echo "less than 2 % are free: collect garbage" >&2; exit 1; }
`;

const SERVICES_TEST = `#!/bin/sh
# The services that this host is for are running.
set -eu
failed=0
for unit in sshd.service nix-daemon.service nixfleet-agent.service prometheus-node-exporter.service; do
  state=$(systemctl is-active "$unit") || true
  echo "$unit: $state"
  [ "$state" = active ] || failed=1
done
exit $failed
`;

const GENERATION_TEST = `#!/bin/sh
# Home Manager has an active generation.
set -eu
newest=$(home-manager generations | head -n 1)
[ -n "$newest" ] || { echo "Home Manager has no generation" >&2; exit 1; }
echo "newest generation: $newest"
`;
