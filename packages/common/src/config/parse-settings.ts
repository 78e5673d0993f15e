import { isAbsolute, resolve } from 'node:path';
import type { Node } from '@bgotink/kdl';
import { applyEnvironment, type Environment, type VariableTarget } from './environment.js';
import { Problems } from './problems.js';
import { type ForgeSection, readForges } from './read-forges.js';
import { readTeams } from './read-teams.js';
import {
  type Found,
  type FoundValues,
  type ReadSecretFile,
  readSecret,
  readValues,
  type SecretContext,
} from './read-values.js';
import { nameOf, placeOf, readChildren, readDocument, readNode, type Section, type SectionShape } from './sections.js';
import { forgeSettings, hostSettings, repositorySettings, topSettings } from './setting-table.js';
import type { Address, HostSettings, QueueSettings, Settings } from './settings.js';
import { databaseUrl, hostId, queueUrl } from './values.js';

/** What defaults are made of. `thisMachine()` answers for the machine that the process runs on. */
export interface Machine {
  cpus: number;
  memoryBytes: number;
  hostname: string;
  uid: number;
  home: string;
  /** What relative paths in variables are meant from. Default: `/`. */
  workingDirectory?: string;
}

const topShape: SectionShape = { title: '', settings: topSettings, sections: ['host', 'forge', 'team'] };
const hostShape: SectionShape = { title: 'host', settings: hostSettings, sections: [], identity: 'id' };
const forgeShape: SectionShape = { title: 'forge', settings: forgeSettings, sections: ['repository'], identity: 'id' };
const repositoryShape: SectionShape = {
  title: 'repository',
  settings: repositorySettings,
  sections: [],
  identity: 'name',
};

/**
 * The settings of a file's text with the `SOLSTICE_*` variables over it, checked. Pure, but for `readSecretFile`.
 *
 * @param text the content of `file`; undefined: there is no file.
 * @throws SolsticeError settings-invalid, whose message lists every problem with its place.
 */
export function parseSettings(
  text: string | undefined,
  file: string | undefined,
  env: Environment,
  machine: Machine,
  readSecretFile: ReadSecretFile = noSecretFiles,
): Settings {
  const problems = new Problems();
  const warnings: string[] = [];
  const fileName = file ?? 'solstice.kdl';

  const top: Section = { place: fileName, values: new Map(), nodes: [] };
  const document = text === undefined ? undefined : readDocument(text, fileName, problems);
  if (text !== undefined && document === undefined) {
    // Not even KDL: what follows from missing settings would only hide that.
    problems.throwIfAny();
  }
  readChildren(top, document?.nodes ?? [], topShape, fileName, problems);

  let host: Section | undefined;
  const forges: ForgeSection[] = [];
  const teams: Node[] = [];
  for (const node of top.nodes) {
    const place = placeOf(node, fileName);
    if (nameOf(node.getName()) === 'team') {
      teams.push(node);
    } else if (nameOf(node.getName()) === 'forge') {
      const section = readNode(node, forgeShape, fileName, problems);
      const repositories = section.nodes.map((child) => readNode(child, repositoryShape, fileName, problems));
      forges.push({ section, repositories });
    } else if (host !== undefined) {
      problems.add(place, `host is set twice, first at ${host.place}`);
    } else {
      host = readNode(node, hostShape, fileName, problems);
    }
  }
  host ??= { place: fileName, values: new Map(), nodes: [] };

  const targets: VariableTarget[] = [
    { section: top, table: topSettings },
    { section: host, table: hostSettings },
  ];
  for (const { section } of forges) {
    const id = section.values.get('id')?.value;
    targets.push({ section, table: forgeSettings, ...(typeof id === 'string' ? { forgeId: id } : {}) });
  }
  applyEnvironment(env, targets, problems);

  const context: SecretContext = {
    readSecretFile,
    resolvePath: ({ value, place }) => {
      const isFromFile = file !== undefined && !place.startsWith('SOLSTICE_');
      return isFromFile ? resolve(file, '..', value) : resolve(machine.workingDirectory ?? '/', value);
    },
    problems,
    warnings,
  };
  const found = readValues(topSettings, top, problems);
  const listen = found.listen?.value ?? { host: '127.0.0.1', port: 8420 };
  const operatorListen = found.operator_listen?.value ?? { host: '127.0.0.1', port: 8421 };
  const settings: Settings = {
    file,
    warnings,
    dataDirectory: found.data_dir ? context.resolvePath(found.data_dir) : defaultDataDirectory(env, machine),
    listen,
    operatorListen,
    publicUrl: found.public_url?.value,
    databaseUrl: readSecret('database_url', found.database_url, found.database_url_file, context, databaseUrl),
    queue: readQueue(found, context),
    healthListen: found.health_listen?.value,
    operatorTokenFile: pathOf(found.operator_token_file, context),
    secretKeyFile: pathOf(found.secret_key_file, context),
    otlpUrl: found.otlp_url?.value,
    logLevel: found.log_level?.value ?? 'info',
    host: readHost(host, env, machine, context),
    forges: readForges(forges, context),
    teams: readTeams(teams, fileName, problems),
  };
  if (isSame(listen, operatorListen)) {
    problems.add(found.operator_listen?.place ?? fileName, 'operator_listen: the same address as listen');
  }
  for (const [name, other] of [
    ['listen', listen],
    ['operator_listen', operatorListen],
  ] as const) {
    if (found.health_listen !== undefined && isSame(found.health_listen.value, other)) {
      problems.add(found.health_listen.place, `health_listen: the same address as ${name}`);
    }
  }
  addWarnings(settings);
  problems.throwIfAny();
  return settings;
}

/** `/var/lib/solstice` as root, else where the user's data lies. */
export function defaultDataDirectory(env: Environment, machine: Machine): string {
  if (machine.uid === 0) {
    return '/var/lib/solstice';
  }
  const xdg = env.XDG_DATA_HOME;
  // The XDG rules say to ignore a relative one.
  return xdg !== undefined && isAbsolute(xdg) ? `${xdg}/solstice` : `${machine.home}/.local/share/solstice`;
}

/** Where the broker is; what belongs to it but makes no sense without it, or half, is a problem. */
function readQueue(found: FoundValues<typeof topSettings>, context: SecretContext): QueueSettings | undefined {
  const { problems } = context;
  const url = readSecret('queue_url', found.queue_url, found.queue_url_file, context, queueUrl);
  const files = [
    ['queue_ca_file', found.queue_ca_file],
    ['queue_cert_file', found.queue_cert_file],
    ['queue_key_file', found.queue_key_file],
  ] as const;
  for (const [name, file] of files) {
    if (file === undefined) {
      continue;
    }
    if (found.queue_url === undefined && found.queue_url_file === undefined) {
      problems.add(file.place, `${name} is set, but queue_url is not`);
    } else if (url?.reveal().startsWith('amqp:')) {
      problems.add(
        file.place,
        `${name} is set, but queue_url begins with amqp: and so has no TLS; with TLS it is amqps:`,
      );
    }
  }
  const { queue_cert_file: cert, queue_key_file: key } = found;
  if ((cert === undefined) !== (key === undefined)) {
    const [set, missing] =
      cert === undefined ? ['queue_key_file', 'queue_cert_file'] : ['queue_cert_file', 'queue_key_file'];
    problems.add((cert ?? key)?.place ?? '', `${set} needs ${missing} too`);
  }
  return url === undefined
    ? undefined
    : {
        url,
        caFile: pathOf(found.queue_ca_file, context),
        certFile: pathOf(cert, context),
        keyFile: pathOf(key, context),
      };
}

function pathOf(found: Found<string> | undefined, context: SecretContext): string | undefined {
  return found === undefined ? undefined : context.resolvePath(found);
}

function isSame(left: Address, right: Address): boolean {
  return left.port !== 0 && left.port === right.port && left.host === right.host;
}

function readHost(section: Section, env: Environment, machine: Machine, context: SecretContext): HostSettings {
  const { problems } = context;
  const found = readValues(hostSettings, section, problems);
  const named = hostId.schema.safeParse(machine.hostname.toLowerCase());
  if (!found.id && !section.values.has('id') && !named.success) {
    problems.add(
      section.place,
      `host: the machine's name ${JSON.stringify(machine.hostname)} is not ${hostId.expected}`,
    );
  }
  const cpus = found.cpus?.value ?? machine.cpus;
  return {
    id: found.id?.value ?? named.data ?? '',
    backend: found.backend?.value ?? 'auto',
    cpus,
    memoryBytes: found.memory?.value ?? Math.floor(machine.memoryBytes * 0.8),
    slots: found.slots?.value ?? Math.max(2, Math.floor(cpus)),
    image: found.image?.value,
    dockerHost: found.docker_host?.value ?? (env.DOCKER_HOST || undefined),
    logCapBytes: found.log_cap?.value ?? 100 * 1024 ** 2,
    file: pathOf(found.file, context),
    detachedForMs: found.detached_for?.value ?? 15 * 60_000,
    atStop: found.at_stop?.value ?? 'let-go',
    drainForMs: found.drain_for?.value ?? 10 * 60_000,
  };
}

function addWarnings(settings: Settings): void {
  const { listen, operatorListen, publicUrl, warnings } = settings;
  if (!isLoopback(operatorListen)) {
    warnings.push(
      `operator_listen is ${operatorListen.host}: the operator API speaks plain HTTP, and its token can be read on the way. Put a proxy with TLS in front, or keep it on 127.0.0.1.`,
    );
  }
  if (publicUrl === undefined && (listen.host === '0.0.0.0' || listen.host === '::')) {
    warnings.push(`listen is ${listen.host} and public_url is not set: the links on commits will lead nowhere.`);
  }
  for (const forge of settings.forges) {
    if (forge.kind !== 'git' && forge.token === undefined) {
      warnings.push(`forge "${forge.id}" has no token: no status will be reported to it.`);
    }
  }
}

function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

const noSecretFiles: ReadSecretFile = () => {
  throw new Error('no files here');
};
