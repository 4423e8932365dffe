// @ts-check
/** The hosts of the demo, and the commits to its configuration while it runs. */

/**
 * @typedef {object} DemoHost
 * @property {string} name
 * @property {'nixos' | 'macos'} type
 * @property {string} location
 * @property {string} deviceType
 * @property {string} themeColor
 * @property {false} [rootHelper] nixfleet-root is not installed
 * @property {object} [policy] what it accepts from its dashboard
 */

/** @type {readonly DemoHost[]} */
export const DEMO_HOSTS = [
  { name: 'atlas', type: 'nixos', location: 'cellar', deviceType: 'server', themeColor: '#7aa2f7' },
  {
    name: 'borealis',
    type: 'nixos',
    location: 'office',
    deviceType: 'desktop',
    themeColor: '#7dcfff',
    rootHelper: false,
  },
  { name: 'cygnus', type: 'nixos', location: 'cloud', deviceType: 'server', themeColor: '#9ece6a' },
  { name: 'draco', type: 'nixos', location: 'home', deviceType: 'desktop', themeColor: '#f7768e' },
  { name: 'ember', type: 'macos', location: 'home', deviceType: 'laptop', themeColor: '#e0af68' },
  {
    name: 'flint',
    type: 'macos',
    location: 'office',
    deviceType: 'laptop',
    themeColor: '#bb9af7',
    policy: {
      operations: ['pull', 'switch', 'pull-switch', 'test'],
      hours: {
        zone: 'Europe/Berlin',
        windows: [
          { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '00:00', to: '24:00' },
          { days: ['sat', 'sun'], from: '00:00', to: '24:00' },
        ],
      },
      branches: ['main'],
      // The commits of the demo are not signed.
      signers: 'ada@fleet.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJHb0kPPFv0DrHSL8CpnXKkSRFkBdBqL2nbyqwJ4wSqN',
    },
  },
];

/** The host whose build fails by default. */
export const FAILING_HOST = 'draco';
/** The host on which a unit fails after a switch by default. */
export const FAILED_UNIT_HOST = 'cygnus';
/** The host whose agent calls nixos-rebuild. */
export const WITHOUT_ROOT_HELPER = DEMO_HOSTS.find(({ rootHelper }) => rootHelper === false)?.name ?? '';
/** The host that has a policy. */
export const HOST_WITH_POLICY = DEMO_HOSTS.find(({ policy }) => policy !== undefined)?.name ?? '';
/** Hosts that start a number of commits behind. */
export const STARTS_BEHIND = new Map([
  ['borealis', 1],
  ['ember', 2],
]);

/** Commits that are made one after the other; after the last one the repository stays unchanged. */
export const STORIES = [
  {
    message: 'atlas: open the port of the metrics exporter',
    host: 'atlas',
    line: 'networking.firewall.allowedTCPPorts = [ 9100 ];',
  },
  { message: 'flake.lock: update', bumpLock: true },
  { message: 'ember: add direnv', host: 'ember', line: 'programs.direnv.enable = true;' },
  { message: 'common: refuse passwords over SSH', line: 'services.openssh.settings.PasswordAuthentication = false;' },
  { message: 'borealis: enable printing', host: 'borealis', line: 'services.printing.enable = true;' },
  {
    message: 'cygnus: serve the status page',
    host: 'cygnus',
    line: 'services.nginx.virtualHosts."status.fleet.example".root = ./status;',
  },
  {
    message: 'draco: drop the gamepad driver that does not build',
    host: 'draco',
    line: 'hardware.xpadneo.enable = false;',
  },
  { message: 'flake.lock: update', bumpLock: true },
  { message: 'flint: larger font in the terminal', host: 'flint', line: 'programs.alacritty.settings.font.size = 15;' },
  { message: 'common: trim the disks every week', line: 'services.fstrim.enable = true;' },
  {
    message: 'atlas: back up the photo archive too',
    host: 'atlas',
    line: 'services.restic.backups.photos.paths = [ "/srv/photos" ];',
  },
  { message: 'cygnus: swap in compressed memory', host: 'cygnus', line: 'zramSwap.enable = true;' },
  { message: 'common: watch the health of the disks', line: 'services.smartd.enable = true;' },
  { message: 'flake.lock: update', bumpLock: true },
  { message: 'ember: sign commits', host: 'ember', line: 'programs.git.signing.signByDefault = true;' },
  { message: 'borealis: new scanner', host: 'borealis', line: 'hardware.sane.enable = true;' },
];
