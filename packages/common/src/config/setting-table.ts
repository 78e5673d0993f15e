import {
  address,
  cloneUrl,
  count,
  databaseUrl,
  dockerAddress,
  hostId,
  identifier,
  oneOf,
  path,
  positiveNumber,
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
    'An own PostgreSQL.',
    'SOLSTICE_DATABASE_URL',
  ),
  database_url_file: setting(path, 'path', 'none', 'A file that holds `database_url`.', 'SOLSTICE_DATABASE_URL_FILE'),
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
