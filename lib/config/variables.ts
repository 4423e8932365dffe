/** Every environment variable of the dashboard, in the order of the settings page and of docs/configuration.md. */
import { ADDRESS_VARIABLES } from './variables/address-variables';
import { AGENT_ACCESS_VARIABLES } from './variables/agent-access-variables';
import { COLOR_COMMIT_VARIABLES } from './variables/color-commit-variables';
import { DESIRED_STATE_VARIABLES } from './variables/desired-state-variables';
import { FLAKE_UPDATE_VARIABLES } from './variables/flake-update-variables';
import { REPORT_VARIABLES } from './variables/report-variables';
import { SIGN_IN_VARIABLES } from './variables/sign-in-variables';
import { SWITCH_VARIABLES } from './variables/switch-variables';
import { STORAGE_VARIABLES } from './variables/storage-variables';
import type { Variable } from './variables/variable';

export const VARIABLES = {
  ...ADDRESS_VARIABLES,
  ...SIGN_IN_VARIABLES,
  ...AGENT_ACCESS_VARIABLES,
  ...SWITCH_VARIABLES,
  ...DESIRED_STATE_VARIABLES,
  ...FLAKE_UPDATE_VARIABLES,
  ...COLOR_COMMIT_VARIABLES,
  ...STORAGE_VARIABLES,
  ...REPORT_VARIABLES,
} satisfies Record<string, Variable<unknown>>;
