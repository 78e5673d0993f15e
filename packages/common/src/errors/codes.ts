export interface ErrorCodeEntry {
  /** One line for docs/errors.md: when it happens. */
  meaning: string;
  /** The way out, unless the place that throws knows a better one. */
  hint: string;
  retryable: boolean;
}

const code = (meaning: string, hint: string, retryable = false): ErrorCodeEntry => ({ meaning, hint, retryable });

/** Every code that a SolsticeError can have. A code is never reused for another meaning. docs/errors.md lists them; a test compares. */
export const errorCodes = {
  'settings-invalid': code(
    'solstice.kdl or a SOLSTICE_* variable is wrong.',
    'Mend each place that the message names; docs/settings.md lists every setting.',
  ),
  'host-file-invalid': code(
    'The host file (host.kdl) is wrong.',
    'Mend each place that the message names; solstice check-host shows them without a start, docs/host.md has every word.',
  ),
  'webhook-secret-missing': code(
    'A forge or repository has no webhook secret.',
    'Set webhook_secret_file for the forge or the repository, or start with --dev on a machine of your own.',
  ),
  'sealed-value-unreadable': code(
    'A secret in the database cannot be opened with the key at hand.',
    'Start with the secret.key that it was sealed with, or set the secret again.',
  ),
  'address-in-use': code('An address to listen on is taken.', 'Stop the other process or set another address.'),
  'data-directory-in-use': code(
    'Another process holds the data directory.',
    'Stop it first, or set another data directory.',
  ),
  'data-directory-unusable': code(
    'The data directory cannot be made, read or written.',
    'Check its owner and mode, or set another with data_dir.',
  ),
  'database-unavailable': code(
    'PostgreSQL does not answer.',
    'Check that it runs and that database_url is right.',
    true,
  ),
  'queue-unavailable': code(
    'RabbitMQ does not answer, or takes no messages.',
    'Check that it runs and has memory and disk left; work goes on by the sweeps, and it is tried again by itself.',
    true,
  ),
  'queue-refused': code(
    'RabbitMQ refuses us: the password, the vhost, a permission, its certificate, or something with other arguments.',
    'The message says which; it is tried again by itself.',
    true,
  ),
  'database-start-failed': code(
    'The embedded PostgreSQL did not start.',
    'The message ends with its own last log lines.',
  ),
  'migration-failed': code(
    'A migration could not be applied.',
    'Nothing of it was kept; mend the cause and start again.',
  ),
  'migration-edited': code(
    'A migration that was applied before has another text now.',
    'Restore the file; changes go into a new migration.',
  ),
  'schema-too-new': code('The database was migrated by a newer Solstice.', 'Start that version, or a newer one.'),
  'host-name-taken': code('Another live process is this host.', 'Give this host another id, or stop the other one.'),
  'host-replaced': code(
    'Another process took this host over.',
    'This one exits; look for two with one state directory.',
  ),
  'host-alive': code(
    'A host that is alive, or that still holds attempts, cannot be removed.',
    'Stop its process first; what it holds is taken from it when its lease is over.',
  ),
  'fence-lost': code('The attempt was taken from this worker.', 'Nothing to do: its work was given to another.'),
  'record-gap': code('A runner left numbers out.', 'The runner sends on from the number in the answer.'),
  refused: code('The state does not allow this.', 'The message says which state it is in.'),
  'request-key-reused': code(
    'The key of a request (Idempotency-Key, --key) belongs to another request of the last day.',
    'Give each request a key of its own. Repeat one with its key only as it was the first time.',
  ),
  forbidden: code(
    'Whoever asks may not do this.',
    'The message says who may. --by says who decides, and team in solstice.kdl who is in a team.',
  ),
  'not-found': code('There is no such thing.', 'Check the name or number.'),
  'not-available-yet': code('Designed, but not built yet.', 'See CHANGELOG.md for what each version brings.'),
  'backend-unavailable': code(
    'A worker backend cannot work on this host.',
    'ciadm doctor shows what is missing.',
    true,
  ),
  'image-unavailable': code(
    'A container image is neither here nor can it be pulled.',
    'Check its name, and the registry and its credentials.',
  ),
  'host-full': code(
    'A host has not what a worker needs: disk, memory, cpus, addresses, processes.',
    'The message has the words of the system. Free it, or let jobs take less: see docs/host.md.',
    true,
  ),
  'worker-failed': code('A worker could not be made.', 'The message has the reason of the backend.', true),
  'source-unavailable': code('The commit could not be fetched.', 'Check the repository address and the token.', true),
  'forge-unavailable': code('The forge does not answer, or answers 5xx or 429.', 'It is tried again by itself.', true),
  'forge-refused': code('The forge refused a request.', 'Check the token and what it may do.'),
  'api-unreachable': code(
    'The operator API does not answer.',
    'Is solstice running? Set --url or SOLSTICE_URL if it listens elsewhere.',
    true,
  ),
  'api-unauthorised': code(
    'The operator API refused the token.',
    'Set --token-file or SOLSTICE_TOKEN_FILE to the token file in the data directory.',
  ),
  interrupted: code('A command was told to stop before it was done.', 'Nothing of it was kept: run it again.'),
  usage: code('The command was called wrongly.', 'Add --help.'),
  internal: code('Something happened that should be impossible.', 'Please report it with the log lines before it.'),
} as const satisfies Record<string, ErrorCodeEntry>;

export type ErrorCode = keyof typeof errorCodes;
