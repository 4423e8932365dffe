/** How a token or an enrolment code is brought to a host, by kind of configuration. */

export interface SecretSnippet {
  id: string;
  label: string;
  about: string;
  code: string;
}

/** `secret`: what was made; `url`: where agents dial. */
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
        'On the host, as root: the file that services.nixfleet-agent.tokenFile names. A secrets manager may write it.',
      code: `install -m 0600 /dev/stdin /run/secrets/nixfleet-agent <<'END'
${variable}=${secret}
END
systemctl restart nixfleet-agent`,
    },
    {
      id: 'home-manager',
      label: 'macOS and Home Manager',
      about: 'On the host, as its user: the file that services.nixfleet-agent.tokenFile names.',
      code: `mkdir -p ~/.config/nixfleet
install -m 0600 /dev/stdin ~/.config/nixfleet/token <<'END'
${bare}
END`,
    },
    {
      id: 'checkout',
      label: 'From a checkout',
      about: 'To try it out, in a checkout of NixFleet.',
      code: `NIXFLEET_URL="${url}" \\
${variable}="${secret}" \\
NIXFLEET_REPO_URL="https://git.example.org/you/nixcfg.git" \\
npm run agent`,
    },
  ];
}
