import { authStoreContract } from './auth-store.contract';
import { ENGINES } from './engines';

for (const { name, auth } of ENGINES) authStoreContract(name, auth);
