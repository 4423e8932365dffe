import { settingsStoreContract } from './settings-store.contract';
import { ENGINES } from './engines';

for (const { name, settings } of ENGINES) settingsStoreContract(name, settings);
