/**
 * Everything that an operator sets, validated. Comes from one file, `solstice.kdl`, with `SOLSTICE_*` over it;
 * only common/config reads either. Docs: docs/settings.md, generated.
 */
export interface Settings {
  /** Where it was read from; undefined: no file, all defaults. */
  file: string | undefined;
  /** Things that are allowed but probably not meant, as sentences: to be logged at start. */
  warnings: string[];
  /** Absolute. Default: /var/lib/solstice as root, else $XDG_DATA_HOME/solstice or ~/.local/share/solstice. */
  dataDirectory: string;
  /** Webhooks and run pages. Default 127.0.0.1:8420. Port 0: any free one (it is then written to <data>/addresses.json). */
  listen: Address;
  /** The operator API. Default 127.0.0.1:8421. */
  operatorListen: Address;
  /** What links are made of; no slash at the end. Default http://<listen>. */
  publicUrl: string | undefined;
  /** Default: the embedded PostgreSQL. Its TLS is said in the address: sslmode, sslrootcert. */
  databaseUrl: Secret | undefined;
  /** Default: the queue inside the process, which only `solstice up` has. */
  queue: QueueSettings | undefined;
  /** Liveness, readiness and metrics. Default: none; `solstice serve` puts 127.0.0.1:8422 in. */
  healthListen: Address | undefined;
  /** The operator's token. Default: <data>/operator.token, made when it isn't there. */
  operatorTokenFile: string | undefined;
  /** What seals secrets in the database; the same for all processes of a fleet. Default: <data>/secret.key, made when it isn't there. */
  secretKeyFile: string | undefined;
  /** Where traces go (OTLP over HTTP). Default: nowhere. */
  otlpUrl: string | undefined;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  host: HostSettings;
  forges: ForgeSettings[];
  /** Who `approvers "team:release"` of a gate means. */
  teams: TeamSettings[];
}

export interface TeamSettings {
  name: string;
  /** As approvers are called, without `user:`. */
  members: string[];
}

export interface Address {
  host: string;
  port: number;
}

/** The message broker. */
export interface QueueSettings {
  /** amqp: or amqps:, with user and password. */
  url: Secret;
  /** Absolute. What the broker's certificate is verified with. Default: the authorities that Node knows. */
  caFile: string | undefined;
  /** Absolute. How this process proves to the broker who it is; both or none. */
  certFile: string | undefined;
  keyFile: string | undefined;
}

export interface HostSettings {
  /** Default: the machine's host name, lower case. */
  id: string;
  /** `auto`: containers if a Docker engine answers, else processes, saying which and why. */
  backend: 'auto' | 'container' | 'process';
  /** Default: cpus of the machine; 80 % of its memory; one slot a cpu, at least 2. */
  cpus: number;
  memoryBytes: number;
  slots: number;
  /** The image of jobs that name none, on the container backend. */
  image: string | undefined;
  /** Default: DOCKER_HOST, else /var/run/docker.sock. */
  dockerHost: string | undefined;
  logCapBytes: number;
  /** Absolute. host.kdl, which says more of what this machine offers. */
  file: string | undefined;
  /** How long an ordinary job goes on while the database can't be reached. */
  detachedForMs: number;
  /** What the orderly end of the process does with running jobs: leave them to the next one, or wait for them. */
  atStop: 'let-go' | 'drain';
  /** How long it waits, when draining; what still runs then is handed back, to run again elsewhere. */
  drainForMs: number;
}

export type ForgeKind = 'forgejo' | 'github' | 'git';

export interface ForgeSettings {
  /** In the webhook address: /webhooks/<id>. */
  id: string;
  kind: ForgeKind;
  /** Of the server (Forgejo: required; GitHub: https://api.github.com unless set; git: none). */
  url: string | undefined;
  /** For statuses and reading files; not for git. */
  token: Secret | undefined;
  webhookSecret: Secret | undefined;
  repositories: RepositorySettings[];
}

export interface RepositorySettings {
  name: string;
  /** git: a path or an address; the others: made from the forge's url. */
  cloneUrl: string | undefined;
  webhookSecret: Secret | undefined;
}

/** A value that never prints itself: in strings, JSON, inspect and logs it is `[secret]`. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}
