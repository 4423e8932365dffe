/** Whether switches of a host are confirmed, as an operator sets it. `default`: as the dashboard is set. */
export const CONFIRM_SETTINGS = ['default', 'on', 'off'] as const;
export type ConfirmSetting = (typeof CONFIRM_SETTINGS)[number];
