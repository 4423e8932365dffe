/** The lines that connect a host, by kind of configuration. Options: those of the flake's modules. */

export interface AgentSnippet {
  id: string;
  label: string;
  about: string;
  /** `url`: where agents dial. */
  code: (url: string) => string;
}

export const AGENT_SNIPPETS: readonly AgentSnippet[] = [
  {
    id: 'nixos',
    label: 'NixOS',
    about:
      'In the host’s configuration, with the flake of NixFleet as the input “nixfleet”. The token file holds the token and nothing else; it may belong to root alone.',
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
      'In the Home Manager configuration, with the flake of NixFleet as the input “nixfleet”. The token file holds the token and nothing else.',
    code: (url) => `imports = [ inputs.nixfleet.homeManagerModules.nixfleet-agent ];

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
    about: 'To try it out, on any machine with Node and git, in a checkout of NixFleet.',
    code: (url) => `NIXFLEET_URL="${url}" \\
NIXFLEET_TOKEN="…" \\
NIXFLEET_REPO_URL="https://git.example.org/you/nixcfg.git" \\
npm run agent`,
  },
];
