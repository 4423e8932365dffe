import { ENGINES } from './engines';
import { fleetEventsContract } from './fleet-events.contract';
import { fleetOutputContract } from './fleet-output.contract';
import { fleetPipelinesContract } from './fleet-pipelines.contract';
import { fleetRecordsContract } from './fleet-records.contract';
import { fleetStoreContract } from './fleet-store.contract';

for (const { name, fleet } of ENGINES) {
  fleetStoreContract(name, fleet);
  fleetRecordsContract(name, fleet);
  fleetOutputContract(name, fleet);
  fleetEventsContract(name, fleet);
  fleetPipelinesContract(name, fleet);
}
