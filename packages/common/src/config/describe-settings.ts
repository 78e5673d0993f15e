import type { Address, Settings } from './settings.js';

/** The settings in effect as text in the form of solstice.kdl, defaults included; secrets are `[secret]`. */
export function describeSettings(settings: Settings): string {
  const { host } = settings;
  const lines = [
    settings.file === undefined ? '// no file, only defaults and variables' : `// ${settings.file}`,
    node('data_dir', settings.dataDirectory),
    node('listen', formatAddress(settings.listen)),
    node('operator_listen', formatAddress(settings.operatorListen)),
    node('public_url', settings.publicUrl),
    node('database_url', settings.databaseUrl),
    node('queue_url', settings.queue?.url),
    node('queue_ca_file', settings.queue?.caFile),
    node('queue_cert_file', settings.queue?.certFile),
    node('queue_key_file', settings.queue?.keyFile),
    node('health_listen', settings.healthListen === undefined ? undefined : formatAddress(settings.healthListen)),
    node('operator_token_file', settings.operatorTokenFile),
    node('secret_key_file', settings.secretKeyFile),
    node('otlp_url', settings.otlpUrl),
    node('log_level', settings.logLevel),
    `host ${quote(host.id)} {`,
    indent(node('backend', host.backend)),
    indent(node('cpus', host.cpus)),
    indent(node('memory', formatSize(host.memoryBytes))),
    indent(node('slots', host.slots)),
    indent(node('image', host.image)),
    indent(node('docker_host', host.dockerHost)),
    indent(node('log_cap', formatSize(host.logCapBytes))),
    indent(node('file', host.file)),
    indent(node('detached_for', formatDuration(host.detachedForMs))),
    indent(node('at_stop', host.atStop)),
    indent(node('drain_for', formatDuration(host.drainForMs))),
    '}',
    ...settings.teams.map(({ name, members }) => ['team', ...[name, ...members].map(quote)].join(' ')),
  ];
  for (const forge of settings.forges) {
    lines.push(
      `forge ${quote(forge.id)} kind=${quote(forge.kind)} {`,
      indent(node('url', forge.url)),
      indent(node('token', forge.token)),
      indent(node('webhook_secret', forge.webhookSecret)),
    );
    for (const repository of forge.repositories) {
      const place = repository.cloneUrl?.startsWith('/') ? 'path' : 'url';
      const location = repository.cloneUrl === undefined ? '' : ` ${place}=${quote(repository.cloneUrl)}`;
      const secret = repository.webhookSecret === undefined ? '' : ` webhook_secret=${quote(repository.webhookSecret)}`;
      lines.push(`    repository ${quote(repository.name)}${location}${secret}`);
    }
    lines.push('}');
  }
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

/** `127.0.0.1:8420`, `[::1]:8420`. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

// String() and JSON.stringify() of a Secret both give `[secret]`: so no case for it, and none to forget.
const quote = (value: unknown) => JSON.stringify(value);

function node(name: string, value: unknown): string {
  return value === undefined ? '' : `${name} ${typeof value === 'number' ? value : quote(value)}`;
}

function indent(line: string): string {
  return line === '' ? '' : `    ${line}`;
}

function formatDuration(ms: number): string {
  for (const [unit, factor] of [
    ['h', 3_600_000],
    ['m', 60_000],
  ] as const) {
    if (ms % factor === 0) {
      return `${ms / factor}${unit}`;
    }
  }
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function formatSize(bytes: number): string {
  for (const [unit, factor] of [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
  ] as const) {
    if (bytes % factor === 0) {
      return `${bytes / factor}${unit}`;
    }
  }
  return `${bytes}B`;
}
