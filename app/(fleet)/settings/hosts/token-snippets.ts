/** How to install a token or an enrolment code on a host, by kind of host. */

export interface SecretSnippet {
  id: string;
  label: string;
  about: string;
  code: string;
}

/** `secret`: the token; `url`: where agents connect. */
export function tokenSnippets(secret: string, url: string): readonly SecretSnippet[] {
  return snippets('NIXFLEET_TOKEN', secret, secret, url);
}

export function codeSnippets(code: string, url: string): readonly SecretSnippet[] {
  return snippets('NIXFLEET_ENROLMENT_CODE', code, `NIXFLEET_ENROLMENT_CODE=${code}`, url);
}

function snippets(variable: string, secret: string, bare: string, url: string): readonly SecretSnippet[] {
  return [
    {
      id: 'nixos',
      label: 'NixOS',
      about:
        'Run this on the host as root. It writes the file named by services.nixfleet-agent.tokenFile; a secrets manager can do the same.',
      code: `install -m 0600 /dev/stdin /run/secrets/nixfleet-agent <<'END'
${variable}=${secret}
END
systemctl restart nixfleet-agent`,
    },
    {
      id: 'home-manager',
      label: 'macOS and Home Manager',
      about: 'Run this on the host as its user. It writes the file named by services.nixfleet-agent.tokenFile.',
      code: `mkdir -p ~/.config/nixfleet
install -m 0600 /dev/stdin ~/.config/nixfleet/token <<'END'
${bare}
END`,
    },
    {
      id: 'checkout',
      label: 'From a checkout',
      about: 'To try NixFleet, run this in a NixFleet checkout.',
      code: `NIXFLEET_URL="${url}" \\
${variable}="${secret}" \\
NIXFLEET_REPO_URL="https://git.example.org/you/nixcfg.git" \\
npm run agent`,
    },
  ];
}
