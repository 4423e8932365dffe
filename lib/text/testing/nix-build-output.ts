/** What a build of a NixOS prints, from its evaluation to its activation. */
export const NIX_BUILD_OUTPUT: readonly string[] = [
  'building the system configuration...',
  'these 2 derivations will be built:',
  '  /nix/store/1kxmzkpm-etc.drv',
  '  /nix/store/8xq2p9vn-nixos-system.drv',
  'these 3 paths will be fetched (4.21 MiB download, 21.03 MiB unpacked):',
  '  /nix/store/aaaa-git',
  "copying path '/nix/store/aaaa-git' from 'https://cache.nixos.org'...",
  "copying path '/nix/store/bbbb-curl' from 'https://cache.nixos.org'...",
  "building '/nix/store/1kxmzkpm-etc.drv'...",
  "copying path '/nix/store/cccc-jq' from 'https://cache.nixos.org'...",
  "building '/nix/store/8xq2p9vn-nixos-system.drv' on 'ssh://builder'...",
  'activating the configuration...',
  'setting up /etc...',
  'reloading user units for ada...',
  'restarting the following units: nginx.service',
];
