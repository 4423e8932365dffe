/**
 * The theme: light, dark or the system's. Stored in a cookie of this browser, so that the server renders the right one at
 * once.
 */
export const THEME_COOKIE = 'nixfleet-theme';
export const THEME_CHOICES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof THEME_CHOICES)[number];

const YEAR_S = 365 * 24 * 60 * 60;

export function isThemeChoice(value: unknown): value is ThemeChoice {
  return THEME_CHOICES.some((choice) => choice === value);
}

const listeners = new Set<() => void>();

/** The choice in this browser, for `useSyncExternalStore`. */
export const themeStore = {
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  get: (): ThemeChoice => {
    const theme = document.documentElement.dataset.theme;
    return isThemeChoice(theme) ? theme : 'system';
  },
};

/** Applies the choice at once and stores it for a year. */
export function chooseTheme(choice: ThemeChoice): void {
  const root = document.documentElement;
  if (choice === 'system') delete root.dataset.theme;
  else root.dataset.theme = choice;
  const secure = window.location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `${THEME_COOKIE}=${choice}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
  for (const listener of listeners) listener();
}
