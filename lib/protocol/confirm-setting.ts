/** Whether switches of a host are confirmed, as an operator sets it. `default`: the setting of the dashboard. */
export const CONFIRM_SETTINGS = ['default', 'on', 'off'] as const;
export type ConfirmSetting = (typeof CONFIRM_SETTINGS)[number];
