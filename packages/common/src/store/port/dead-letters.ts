/** A message that nobody could read, kept for the operator. */
export interface NewDeadLetter {
  /** Where it lay. */
  queue: string;
  routingKey: string;
  /** Why it could not be read. */
  reason: string;
  body: Uint8Array;
  /** When it was set aside. */
  at: Date;
}

export interface DeadLetterRecord extends NewDeadLetter {
  id: string;
}

export interface DeadLetterStore {
  /** The same letter (all fields equal) again changes nothing: its id is that of the first. */
  add(letter: NewDeadLetter): Promise<{ id: string }>;
  /** Newest first. */
  list(filter: { limit: number }): Promise<DeadLetterRecord[]>;
  count(): Promise<number>;
  get(id: string): Promise<DeadLetterRecord | undefined>;
  /**
   * Reads it again, as this version can: if that works now, the message goes to the outbox and the letter goes, in one
   * transaction. Rejects `not-found`.
   */
  replay(id: string): Promise<{ replayed: true } | { unreadable: string }>;
  /** Rejects `not-found`. */
  remove(id: string): Promise<void>;
}
