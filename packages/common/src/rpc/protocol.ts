/** The version of the runner protocol that is spoken here; proto/ says what each minor version brought. */
export const PROTOCOL = { major: 1, minor: 4 } as const;

/** From this minor version on a runner kills exclusive work by itself when the time of the last Ping has run out. */
export const WATCHDOG_SINCE_MINOR = 1;

/** From this one on it knows silence, deadlines, steps that may fail, `catch`, `finally` and outputs. */
export const POLICIES_SINCE_MINOR = 2;

/** From this one on it knows conditions and deadlines of steps, and services. */
export const CONDITIONS_SINCE_MINOR = 3;
