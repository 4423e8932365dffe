/** What is different for an installation that comes from an earlier version. */
import type { Config, FormerVersion, UnusedValue } from '@/lib/config';

export type { FormerVersion } from '@/lib/config';

export interface UpgradeNote {
  /** Stays the same: a notice that was read is remembered by it. */
  id: string;
  title: string;
  /** What is different, and what to do. */
  text: string;
  /** The heading in docs/operations.md, as its anchor. */
  section: string;
  /** A page of the dashboard about it; null for the configuration, which is below the notice. */
  page: { href: string; label: string } | null;
}

export interface UpgradeFacts {
  /** Null: neither the database nor the environment comes from an earlier dashboard. */
  from: FormerVersion | null;
  config: Pick<
    Config,
    | 'allowSharedAgentToken'
    | 'baseUrl'
    | 'colorCommitMode'
    | 'githubRepo'
    | 'githubToken'
    | 'trustedProxies'
    | 'versionUrl'
  >;
  unused: readonly UnusedValue[];
  /** True when the environment sets this variable. */
  isSet: (variable: string) => boolean;
}

/** The document that describes all of them. */
export const UPGRADE_DOCUMENT = 'docs/operations.md';
const VERSION_1_SECTION = 'moving-from-version-1';

const FORGE = { href: '/settings/forge', label: 'Forge' };
const TOKENS = { href: '/settings/hosts', label: 'Hosts and tokens' };

/** Only what concerns this installation. Empty for one that was always of this version and has no unused value. */
export function upgradeNotes(facts: UpgradeFacts): UpgradeNote[] {
  const values = facts.unused.map(({ variable, sentence, of }) => ({
    id: `value:${variable}`,
    title: variable,
    text: sentence,
    section: of === 'version 3' ? 'values-that-version-3-accepted' : VERSION_1_SECTION,
    page: null,
  }));
  return facts.from === null ? values : [...differences(facts, facts.from), ...values];
}

function differences({ config, isSet }: UpgradeFacts, from: FormerVersion): UpgradeNote[] {
  const items: (UpgradeNote | null)[] = [
    {
      id: 'scripts',
      title: 'Scripts',
      text: `The HTTP interface of ${from} is gone. Its addresses answer 410 and say what to use instead.`,
      section: 'scripts-and-addresses',
      page: { href: '/activity', label: 'Activity, with an export of events' },
    },
    {
      id: 'sessions',
      title: 'Sessions',
      text:
        'A session also ends without activity: after 12 hours, or after NIXFLEET_SESSION_IDLE. ' +
        'NIXFLEET_SESSION_SECRET protects the cookies: changing it signs everybody out.',
      section: 'sign-in',
      page: { href: '/settings', label: 'Account' },
    },
    config.baseUrl === null
      ? {
          id: 'public-address-missing',
          title: 'Public address',
          text:
            'NIXFLEET_BASE_URL is not set, so a browser is accepted at localhost, at an IP address and at the name of ' +
            'the machine. Set it to the address that browsers use.',
          section: 'sign-in',
          page: null,
        }
      : {
          id: 'public-address',
          title: 'NIXFLEET_BASE_URL',
          text:
            `It was not used before. Now browsers are accepted only at ${config.baseUrl} and at ` +
            'the addresses in NIXFLEET_ALLOWED_ORIGINS. With https, cookies are Secure, so nobody can sign in at an ' +
            'http address.',
          section: 'sign-in',
          page: null,
        },
    config.trustedProxies.length > 0
      ? null
      : {
          id: 'proxies',
          title: 'Reverse proxy',
          text:
            'X-Forwarded-For counts only from the proxies in NIXFLEET_TRUSTED_PROXIES. It is not set, so behind a proxy ' +
            'limits and events see one address for all clients. X-Real-IP and True-Client-IP no longer count.',
          section: 'sign-in',
          page: null,
        },
    isSet('NIXFLEET_LOG_LEVEL')
      ? {
          id: 'log-level',
          title: 'NIXFLEET_LOG_LEVEL',
          text: 'It was not used before. Now it sets how much is logged.',
          section: 'values-that-version-3-accepted',
          page: null,
        }
      : null,
    ...(from === 'version 3' ? version3(config, isSet) : []),
    {
      id: 'agents',
      title: 'Agents',
      text:
        from === 'version 3'
          ? 'Go agents connect unchanged and are yellow under Agent until a switch installs the new agent. ' +
            'A short colour such as #abc is accepted; a value that is not a colour is ignored.'
          : 'Version-1 agents are answered and marked. “Pull and switch” lets one fetch the new agent.',
      section: from === 'version 3' ? 'agents' : VERSION_1_SECTION,
      page: TOKENS,
    },
    {
      id: 'builds',
      title: 'Builds on NixOS',
      text:
        `With the new NixOS module, the agent evaluates and builds as its user; ${from} did so as root. That user must ` +
        'be able to read the credentials of private flake inputs. Substituters that the flake names count only if ' +
        'nix.settings.trusted-users contains the user.',
      section: 'agents',
      page: null,
    },
    {
      id: 'confirmed-switches',
      title: 'Switches are confirmed',
      text:
        'On hosts with the new NixOS module, a switch takes itself back unless this dashboard reaches the host again and ' +
        `no further unit fails. Afterwards the tests of the host run by themselves. In ${from}, the new system stayed. ` +
        'NIXFLEET_CONFIRM_SWITCHES=false turns this off.',
      section: 'operations',
      page: null,
    },
    ...(from === 'version 1' ? version1(config) : []),
  ];
  return items.filter((item) => item !== null);
}

function version1(config: UpgradeFacts['config']): (UpgradeNote | null)[] {
  return [
    {
      id: 'agents-macos',
      title: 'Agents on macOS',
      text:
        'Version 1 used the attribute USER@HOST of the flake. Set flakeAttribute to it; otherwise the new agent looks for ' +
        'HOST, and its first switch fails.',
      section: VERSION_1_SECTION,
      page: null,
    },
    config.allowSharedAgentToken === false
      ? {
          id: 'stored-agent-tokens',
          title: 'Host tokens of version 1',
          text:
            'The new agent does not read the token that the old one stored, and the shared token is refused. Before you ' +
            'switch a host to the new agent, create a token or an enrolment code for it.',
          section: VERSION_1_SECTION,
          page: TOKENS,
        }
      : null,
  ];
}

function version3(config: UpgradeFacts['config'], isSet: UpgradeFacts['isSet']): (UpgradeNote | null)[] {
  return [
    config.colorCommitMode === 'off'
      ? {
          id: 'colours-off',
          title: 'Colours',
          text:
            'Colours are no longer committed to the configuration repository unless NIXFLEET_COLOR_COMMIT_MODE is push ' +
            'or pr. That needs nix-instantiate, which the container image does not have.',
          section: 'colours',
          page: FORGE,
        }
      : {
          id: 'colours-checked',
          title: 'Colours',
          text:
            'A colour is committed only after nix-instantiate has checked the file. The container image does not have ' +
            'it, so there the colour stays on the dashboard.',
          section: 'colours',
          page: FORGE,
        },
    config.githubRepo === null
      ? null
      : {
          id: 'flake-updates',
          title: 'Flake updates',
          text:
            (isSet('NIXFLEET_GITHUB_POLL_TTL') ? '' : 'GitHub is asked every 5 minutes instead of every hour. ') +
            'A pull request is recognised by what it changes (only lock files of flakes, and the files in ' +
            'NIXFLEET_UPDATE_FILES), no longer by its label or title.',
          section: 'flake-updates-and-releases',
          page: FORGE,
        },
    config.versionUrl === null
      ? null
      : {
          id: 'version-feed',
          title: 'NIXFLEET_VERSION_URL',
          text:
            'The feed still works, but the dashboard can’t tell hosts that are behind from hosts that are ahead. ' +
            'NIXFLEET_CONFIG_REPO can. Without lockHash in the feed, Lock is unknown.',
          section: 'desired-state',
          page: null,
        },
    {
      id: 'releases',
      title: 'Updates of NixFleet',
      text:
        'No build sends nixfleet-updated to your configuration repository any more. Instead, copy ' +
        'docs/workflows/follow-nixfleet.yml into it: once a day, it opens a pull request with the newest NixFleet commit.',
      section: 'flake-updates-and-releases',
      page: null,
    },
  ];
}
