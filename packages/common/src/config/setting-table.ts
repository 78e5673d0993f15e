import {
  address,
  cloneUrl,
  count,
  databaseUrl,
  dockerAddress,
  duration,
  hostId,
  identifier,
  oneOf,
  path,
  positiveNumber,
  queueUrl,
  repositoryName,
  secret,
  size,
  type ValueKind,
  webUrl,
  word,
} from './values.js';

/**
 * One setting. The parser, the list of known variables and docs/settings.md are all made from these tables,
 * so a setting that is added here is everywhere.
 */
export interface SettingDefinition<T> {
  kind: ValueKind<T>;
  /** The variable that goes over the file; `<ID>` is the forge's id in upper case with `_` for `-`. */
  variable?: string;
  /** For the reference page. */
  type: string;
  default: string;
  meaning: string;
}

export type SettingTable = Record<string, SettingDefinition<unknown>>;

/** Like `satisfies SettingTable`, while each definition keeps the type of its values. */
const table = <T extends Record<string, SettingDefinition<never> | SettingDefinition<unknown>>>(definitions: T): T =>
  definitions;

const setting = <T>(
  kind: ValueKind<T>,
  type: string,
  fallback: string,
  meaning: string,
  variable?: string,
): SettingDefinition<T> => ({
  kind,
  type,
  default: fallback,
  meaning,
  ...(variable === undefined ? {} : { variable }),
});

export const topSettings = table({
  data_dir: setting(
    path,
    'path',
    '`/var/lib/solstice` as root, else `$XDG_DATA_HOME/solstice` or `~/.local/share/solstice`',
    'Everything that Solstice keeps on this machine: the embedded database, the mirrors, the keys.',
    'SOLSTICE_DATA_DIR',
  ),
  listen: setting(
    address,
    'address',
    '`127.0.0.1:8420`',
    'Where webhooks and run pages are served. Port 0 takes any free one; `<data_dir>/addresses.json` then tells which.',
    'SOLSTICE_LISTEN',
  ),
  operator_listen: setting(
    address,
    'address',
    '`127.0.0.1:8421`',
    'Where the operator API is served. It speaks plain HTTP: an address that is not loopback is warned of.',
    'SOLSTICE_OPERATOR_LISTEN',
  ),
  public_url: setting(
    webUrl,
    'URL',
    '`http://<listen>`',
    'What the links that Solstice puts on commits begin with. Set it when a proxy stands in front.',
    'SOLSTICE_PUBLIC_URL',
  ),
  database_url: setting(
    databaseUrl,
    'URL, secret',
    'the embedded PostgreSQL in `<data_dir>/postgres`',
    'An own PostgreSQL. TLS is said in the address: `?sslmode=verify-full&sslrootcert=/etc/solstice/db-ca.pem`.',
    'SOLSTICE_DATABASE_URL',
  ),
  database_url_file: setting(path, 'path', 'none', 'A file that holds `database_url`.', 'SOLSTICE_DATABASE_URL_FILE'),
  queue_url: setting(
    queueUrl,
    'URL, secret',
    'the queue inside the process; `solstice serve` needs one',
    'The RabbitMQ of a fleet: `amqp:` or, with TLS, `amqps:`.',
    'SOLSTICE_QUEUE_URL',
  ),
  queue_url_file: setting(path, 'path', 'none', 'A file that holds `queue_url`.', 'SOLSTICE_QUEUE_URL_FILE'),
  queue_ca_file: setting(
    path,
    'path',
    'the authorities that Node.js knows',
    "The authority that signed the broker's certificate, in PEM. Certificates are always verified.",
    'SOLSTICE_QUEUE_CA_FILE',
  ),
  queue_cert_file: setting(
    path,
    'path',
    'none',
    'The certificate that this process shows to the broker, in PEM. Needs `queue_key_file`.',
    'SOLSTICE_QUEUE_CERT_FILE',
  ),
  queue_key_file: setting(path, 'path', 'none', 'The key of `queue_cert_file`, in PEM.', 'SOLSTICE_QUEUE_KEY_FILE'),
  health_listen: setting(
    address,
    'address',
    '`solstice serve`: `127.0.0.1:8422`; `solstice up`: none',
    'Where `/livez`, `/readyz` and `/metrics` are served, without a password: keep it where only your monitoring reaches.',
    'SOLSTICE_HEALTH_LISTEN',
  ),
  operator_token_file: setting(
    path,
    'path',
    '`<data_dir>/operator.token`, made when it is not there',
    'A file that holds the token of the operator API. In a fleet: the same on every node with the `api` role.',
    'SOLSTICE_OPERATOR_TOKEN_FILE',
  ),
  secret_key_file: setting(
    path,
    'path',
    '`<data_dir>/secret.key`, made when it is not there',
    'A file that holds the key which seals secrets in the database. In a fleet: the same on every node.',
    'SOLSTICE_SECRET_KEY_FILE',
  ),
  otlp_url: setting(
    webUrl,
    'URL',
    'none: no traces',
    'Where traces are sent, by OTLP over HTTP, such as `http://127.0.0.1:4318`.',
    'SOLSTICE_OTLP_URL',
  ),
  log_level: setting(
    oneOf(['trace', 'debug', 'info', 'warn', 'error']),
    '`trace`, `debug`, `info`, `warn` or `error`',
    '`info`',
    'How much is logged to standard error.',
    'SOLSTICE_LOG_LEVEL',
  ),
});

export const hostSettings = table({
  id: setting(hostId, 'id', "the machine's host name", 'The name of this host among the others.', 'SOLSTICE_HOST_ID'),
  backend: setting(
    oneOf(['auto', 'container', 'process']),
    '`auto`, `container` or `process`',
    '`auto`',
    'Where jobs run. `auto`: in containers if a Docker engine answers at start, else as processes; the log says which and why.',
    'SOLSTICE_HOST_BACKEND',
  ),
  cpus: setting(
    positiveNumber,
    'number',
    "the machine's",
    'How many CPUs the jobs on this host may reserve in all.',
    'SOLSTICE_HOST_CPUS',
  ),
  memory: setting(
    size,
    'size',
    "80 % of the machine's",
    'How much memory the jobs on this host may reserve in all.',
    'SOLSTICE_HOST_MEMORY',
  ),
  slots: setting(
    count,
    'whole number',
    'one a CPU, at least 2',
    'How many jobs may run on this host at once.',
    'SOLSTICE_HOST_SLOTS',
  ),
  image: setting(
    word,
    'image name',
    'none: such jobs are refused, with the reason',
    'The container image of jobs that name none.',
    'SOLSTICE_HOST_IMAGE',
  ),
  docker_host: setting(
    dockerAddress,
    'address',
    '`$DOCKER_HOST`, else `unix:///var/run/docker.sock`',
    'The Docker engine that the container backend uses.',
    'SOLSTICE_HOST_DOCKER_HOST',
  ),
  log_cap: setting(
    size,
    'size',
    '`100MiB`',
    "How long a job's log may grow; what comes after is cut, and a line says so.",
    'SOLSTICE_HOST_LOG_CAP',
  ),
  file: setting(
    path,
    'path',
    'none: the pool `default`, and on a single node `*`',
    'A `host.kdl`, which names the pools that this host serves; docs/host.md.',
    'SOLSTICE_HOST_FILE',
  ),
  detached_for: setting(
    duration,
    'time',
    '`15m`',
    'How long ordinary jobs go on while this host cannot reach the database. `exclusive` ones end with the lease.',
    'SOLSTICE_HOST_DETACHED_FOR',
  ),
  at_stop: setting(
    oneOf(['let-go', 'drain']),
    '`let-go` or `drain`',
    '`let-go`',
    'What an orderly end does with running jobs. `let-go`: they go on by themselves and the next start takes them up. `drain`: no new job is taken, and the end waits for the running ones.',
    'SOLSTICE_HOST_AT_STOP',
  ),
  drain_for: setting(
    duration,
    'time',
    '`10m`',
    'How long `at_stop "drain"` waits; jobs that still run then are handed back, to run again on another host.',
    'SOLSTICE_HOST_DRAIN_FOR',
  ),
});

const webhookSecret = setting(
  secret,
  'text, secret',
  'none: refused outside `--dev`',
  'What the forge signs its webhooks with. Better in a file, or in the variable.',
  'SOLSTICE_FORGE_<ID>_WEBHOOK_SECRET',
);
const webhookSecretFile = setting(
  path,
  'path',
  'none',
  'A file that holds `webhook_secret`. One newline at its end is left out.',
  'SOLSTICE_FORGE_<ID>_WEBHOOK_SECRET_FILE',
);

export const forgeSettings = table({
  id: setting(identifier, 'id', 'required', "The first argument. The forge's webhooks come in at `/webhooks/<id>`."),
  kind: setting(
    oneOf(['forgejo', 'github', 'git']),
    '`forgejo`, `github` or `git`',
    'required',
    '`git` is a plain repository with a `post-receive` hook: no forge needed.',
  ),
  url: setting(
    webUrl,
    'URL',
    'forgejo: required; github: `https://api.github.com`; git: not allowed',
    "Forgejo: the server's address. GitHub: the address of its API.",
  ),
  token: setting(
    secret,
    'text, secret',
    'none: nothing is reported, and only public files are read',
    'What Solstice reads files and reports statuses with. Not for `git`.',
    'SOLSTICE_FORGE_<ID>_TOKEN',
  ),
  token_file: setting(path, 'path', 'none', 'A file that holds `token`.', 'SOLSTICE_FORGE_<ID>_TOKEN_FILE'),
  webhook_secret: webhookSecret,
  webhook_secret_file: webhookSecretFile,
});

export const repositorySettings = table({
  name: setting(
    repositoryName,
    'name',
    'required',
    'The first argument: `owner/name` as on the forge; for `git` a name of your choice.',
  ),
  path: setting(path, 'path', 'git: this or `url`', 'Where the repository lies on this machine. Only for `git`.'),
  url: setting(
    cloneUrl,
    'address',
    'git: this or `path`; else made from the forge',
    'What is cloned, when the default is not reachable from here.',
  ),
  webhook_secret: { ...withoutVariable(webhookSecret), default: "the forge's" },
  webhook_secret_file: withoutVariable(webhookSecretFile),
});

function withoutVariable<T>({ variable: _, ...rest }: SettingDefinition<T>): SettingDefinition<T> {
  return rest;
}

/** Variables of other parts of the product (the CLIs, the tests): not settings, so not refused. */
export const otherVariables = ['SOLSTICE_CONFIG', 'SOLSTICE_URL', 'SOLSTICE_TOKEN_FILE', 'SOLSTICE_UPDATE_GOLDEN'];
export const otherVariablePrefix = 'SOLSTICE_TEST_';
