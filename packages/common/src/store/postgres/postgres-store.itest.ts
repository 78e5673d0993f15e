import { describeStoreContract } from '../contract/describe-store-contract.js';
import { postgresUnderTest } from './testing/postgres-under-test.js';

describeStoreContract('postgres', postgresUnderTest);
