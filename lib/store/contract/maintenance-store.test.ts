import { ENGINES } from './engines';
import { maintenanceStoreContract } from './maintenance-store.contract';

for (const { name, maintenance } of ENGINES) maintenanceStoreContract(name, maintenance);
