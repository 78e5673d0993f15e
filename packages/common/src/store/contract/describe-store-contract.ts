import { afterEach, beforeEach, describe } from 'vitest';
import { SolsticeError } from '../../errors/index.js';
import { assertReplays } from '../assert-replays.js';
import { describeBranches } from './branches.contract.js';
import { describeCancel } from './cancel.contract.js';
import { describeChecks } from './checks.contract.js';
import { describeClaims } from './claims.contract.js';
import { describeConcurrency } from './concurrency.contract.js';
import { describeDeadLetters } from './dead-letters.contract.js';
import { describeDeliveries } from './deliveries.contract.js';
import { describeFences } from './fences.contract.js';
import { describeGates } from './gates.contract.js';
import { describeHostStates } from './host-states.contract.js';
import { describeHosts } from './hosts.contract.js';
import { describeLateTexts } from './late-texts.contract.js';
import { describeMeasures } from './measures.contract.js';
import { describeOutboxAndChanges } from './outbox.contract.js';
import { describePlacement } from './placement.contract.js';
import { describePlanning } from './planning.contract.js';
import { describeRecords } from './records.contract.js';
import { describeRepositories } from './repositories.contract.js';
import { describeRequestKeys } from './request-keys.contract.js';
import { describeReruns } from './reruns.contract.js';
import { describeRunTransfers } from './run-transfers.contract.js';
import { Scene, type StoreUnderTest } from './scene.js';
import { describeScheduleLooks } from './schedule-looks.contract.js';
import { describeSchedules } from './schedules.contract.js';
import { describeStorm } from './storm.contract.js';
import { describeTimers } from './timers.contract.js';
import { describeTraces } from './traces.contract.js';

/**
 * What every Store promises, tried on one. `make` is called before each test and gives an empty store; after each test
 * the runs that it made are replayed from their events and compared with what is stored.
 */
export function describeStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`store contract: ${name}`, () => {
    let scene: Scene | undefined;
    const current = (): Scene => {
      if (scene === undefined) {
        throw new Error('the scene is only there within a test');
      }
      return scene;
    };

    beforeEach(async () => {
      scene = new Scene(await make());
    });

    afterEach(async () => {
      const { under } = current();
      scene = undefined;
      try {
        if (await answers(under)) {
          await assertReplays(under.store);
        }
      } finally {
        await under.close();
      }
    });

    describeRepositories(current);
    describeDeliveries(current);
    describePlanning(current);
    describeClaims(current);
    describePlacement(current);
    describeFences(current);
    describeRecords(current);
    describeHosts(current);
    describeHostStates(current);
    describeDeadLetters(current);
    describeCancel(current);
    describeChecks(current);
    describeOutboxAndChanges(current);
    describeMeasures(current);
    describeTraces(current);
    describeTimers(current);
    describeBranches(current);
    describeGates(current);
    describeLateTexts(current);
    describeReruns(current);
    describeRequestKeys(current);
    describeRunTransfers(current);
    describeConcurrency(current);
    describeSchedules(current);
    describeScheduleLooks(current);
    describeStorm(current);
  });
}

async function answers(under: StoreUnderTest): Promise<boolean> {
  try {
    await under.store.ping();
    return true;
  } catch (error) {
    if (error instanceof SolsticeError && error.code === 'database-unavailable') {
      return false; // A test closed it.
    }
    throw error;
  }
}
