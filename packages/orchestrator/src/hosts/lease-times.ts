/** A host's lease, and how often it is renewed: five tries before it is over. The same in every process of a fleet. */
export const LEASE_MS = 30_000;
export const RENEW_MS = 5_000;
/** An exchange without an answer by then is given up, and the next one tried. */
export const ANSWER_WITHIN_MS = 6_000;
/** What killing a worker may take: exclusive work has to go so long before its host's lease is over. */
export const EXCLUSIVE_MARGIN_MS = 10_000;
