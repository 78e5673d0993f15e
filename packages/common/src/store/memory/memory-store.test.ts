import { randomUUID } from 'node:crypto';
import { describeStoreContract } from '../contract/describe-store-contract.js';
import { createMemoryStore } from './memory-store.js';

describeStoreContract('memory', async () => {
  let now = Date.UTC(2026, 0, 1);
  const store = createMemoryStore({ clock: { now: () => new Date(now) }, idSource: randomUUID });
  return {
    store,
    other: store,
    advance: async (ms) => {
      now += ms;
    },
    close: () => store.close(),
  };
});
