import { agentTokenStoreContract } from './agent-token-store.contract';
import { ENGINES } from './engines';

for (const { name, agentTokens } of ENGINES) agentTokenStoreContract(name, agentTokens);
