/** The configuration that connects a host, by kind of host. The options are those of the flake's modules. */

export interface AgentSnippet {
  id: string;
  label: string;
  about: string;
  /** `url`: where agents connect. */
  code: (url: string) => string;
}

export const AGENT_SNIPPETS: readonly AgentSnippet[] = [
  {
    id: 'nixos',
    label: 'NixOS',
    about:
      'Add this to the host’s configuration, with the NixFleet flake as the input “nixfleet”. The token file contains only the token; make it readable by root alone.',
    code: (url) => `imports = [ inputs.nixfleet.nixosModules.nixfleet-agent ];

services.nixfleet-agent = {
  enable = true;
  url = "${url}";
  tokenFile = "/run/secrets/nixfleet-agent";
  repoUrl = "https://git.example.org/you/nixcfg.git";
  branch = "main";
  user = "you";
};`,
  },
  {
    id: 'home-manager',
    label: 'macOS and Home Manager',
    about:
      'Add this to the Home Manager configuration, with the NixFleet flake as the input “nixfleet”. The token file contains only the token.',
    code: (url) => `imports = [ inputs.nixfleet.homeModules.nixfleet-agent ];

services.nixfleet-agent = {
  enable = true;
  url = "${url}";
  tokenFile = "/Users/you/.config/nixfleet/token";
  repoUrl = "https://git.example.org/you/nixcfg.git";
  branch = "main";
};`,
  },
  {
    id: 'checkout',
    label: 'From a checkout',
    about: 'To try NixFleet: run this in a NixFleet checkout, on any machine with Node.js and Git.',
    code: (url) => `NIXFLEET_URL="${url}" \\
NIXFLEET_TOKEN="…" \\
NIXFLEET_REPO_URL="https://git.example.org/you/nixcfg.git" \\
npm run agent`,
  },
];
