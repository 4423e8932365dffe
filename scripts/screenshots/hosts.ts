/** The fleet of the pictures: believable hosts in different states. */
import type { HostType } from '@/simulator/host-facts';

export interface PictureHost {
  name: string;
  type: HostType;
  location: string;
  deviceType: string;
  themeColor: string;
  osVersion: string;
  /** Commits between its clone and the newest one. */
  behind: number;
  protocol: 2 | 3;
  /** What its agent reports on system and tests for its commit. */
  system: 'ok' | 'outdated' | '';
  tests: 'ok' | 'outdated' | '';
  /** The operation that the operator starts, and how it ends. */
  presses: { operation: 'Pull' | 'Switch' | 'Test'; ending: 'succeeds' | 'fails' | 'hangs' } | null;
  /** It is offline in the picture. */
  leaves: boolean;
  /** CPU and memory in percent, and load, about which its figures move. */
  metrics: readonly [cpu: number, ram: number, load: number];
}

/** Up to date, without an operation. */
const CALM = {
  type: 'nixos',
  osVersion: '26.05',
  behind: 0,
  protocol: 3,
  system: 'ok',
  tests: 'ok',
  presses: null,
  leaves: false,
} as const;

/** Its switch is what the open drawer shows. */
export const SWITCHING = 'cygnus';

export const SCREENSHOT_HOSTS: readonly PictureHost[] = [
  {
    ...CALM,
    name: 'atlas',
    location: 'cellar',
    deviceType: 'server',
    themeColor: '#7aa2f7',
    presses: { operation: 'Pull', ending: 'succeeds' },
    metrics: [12, 58, 0.6],
  },
  {
    ...CALM,
    name: 'borealis',
    location: 'office',
    deviceType: 'desktop',
    themeColor: '#7dcfff',
    behind: 2,
    metrics: [23, 44, 1.1],
  },
  {
    ...CALM,
    name: SWITCHING,
    location: 'cloud',
    deviceType: 'server',
    themeColor: '#9ece6a',
    system: 'outdated',
    tests: 'outdated',
    presses: { operation: 'Switch', ending: 'hangs' },
    metrics: [84, 71, 7.8],
  },
  {
    ...CALM,
    name: 'draco',
    location: 'home',
    deviceType: 'desktop',
    themeColor: '#f7768e',
    tests: '',
    presses: { operation: 'Switch', ending: 'fails' },
    metrics: [34, 62, 2.2],
  },
  {
    ...CALM,
    name: 'ember',
    type: 'macos',
    location: 'home',
    deviceType: 'laptop',
    themeColor: '#e0af68',
    osVersion: '26.1',
    presses: { operation: 'Test', ending: 'succeeds' },
    metrics: [8, 67, 1.4],
  },
  {
    ...CALM,
    name: 'flint',
    type: 'macos',
    location: 'office',
    deviceType: 'laptop',
    themeColor: '#bb9af7',
    osVersion: '26.1',
    behind: 4,
    leaves: true,
    metrics: [5, 49, 0.9],
  },
  {
    ...CALM,
    name: 'gaia',
    location: 'cellar',
    deviceType: 'server',
    themeColor: '#73daca',
    osVersion: '25.11',
    protocol: 2,
    metrics: [17, 36, 0.4],
  },
  {
    ...CALM,
    name: 'helios',
    location: 'cloud',
    deviceType: 'server',
    themeColor: '#ff9e64',
    tests: 'outdated',
    presses: { operation: 'Test', ending: 'hangs' },
    metrics: [46, 55, 1.9],
  },
  {
    ...CALM,
    name: 'iris',
    location: 'home',
    deviceType: 'laptop',
    themeColor: '#c0caf5',
    behind: 1,
    metrics: [3, 28, 0.2],
  },
  { ...CALM, name: 'juno', location: 'office', deviceType: 'server', themeColor: '#2ac3de', metrics: [9, 40, 0.5] },
];
