import { askWhere, type Exchange } from '../run-server/exchange.js';

export const databaseExchange: Exchange = {
  what: 'database',
  variable: 'TEST_DATABASE_EXCHANGE',
  setup: 'packages/testing/src/database/global-setup.ts',
};

/** The connection string of the run's server. Rejects where the global setup has not run. */
export async function askAddress(): Promise<string> {
  return await askWhere<string>(databaseExchange);
}
