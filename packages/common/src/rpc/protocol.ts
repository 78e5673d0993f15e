/** The version of the runner protocol that is spoken here; proto/ says what each minor version brought. */
export const PROTOCOL = { major: 1, minor: 1 } as const;

/** From this minor version on a runner kills exclusive work by itself when the time of the last Ping has run out. */
export const WATCHDOG_SINCE_MINOR = 1;
