import type { Message } from '../../messages/index.js';
import type { TraceContext } from '../../telemetry/index.js';

export interface OutboxStore {
  /** Some waiting messages; not locked: two relays may both send one, which is allowed. */
  peek(limit: number): Promise<{ id: string; message: Message; trace?: TraceContext }[]>;
  remove(ids: readonly string[]): Promise<void>;
  /** Age of the oldest message, milliseconds; undefined: empty. */
  oldestAgeMs(): Promise<number | undefined>;
}
