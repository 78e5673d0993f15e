/** What the processes of a fleet share. */
export interface SharedSettings {
  databaseUrl: string;
  queueUrl: string;
  publicUrl: string;
  operatorTokenFile: string;
  secretKeyFile: string;
  webhookSecretFile: string;
}

/** What a node says of the host that it is. */
export interface HostOptions {
  backend: 'process' | 'container';
  slots?: number;
  cpus?: number;
  memory?: string;
  /** The text of a host.kdl. */
  hostFile?: string;
  /** More lines of the `host` block: `detached_for "20s"`. */
  more?: string[];
}

export interface NodeSettings {
  dataDirectory: string;
  address: string;
  host: (Omit<HostOptions, 'hostFile'> & { id: string; file?: string }) | undefined;
  /** More lines of the file. */
  more: string[];
}

export const ports = { public: 8420, operator: 8421, health: 8422 } as const;

/** A whole solstice.kdl. */
export function settingsText(shared: SharedSettings, node: NodeSettings): string {
  const quoted = JSON.stringify;
  return [
    `data_dir ${quoted(node.dataDirectory)}`,
    `listen "${node.address}:${ports.public}"`,
    `operator_listen "${node.address}:${ports.operator}"`,
    `health_listen "${node.address}:${ports.health}"`,
    `public_url ${quoted(shared.publicUrl)}`,
    `database_url ${quoted(shared.databaseUrl)}`,
    `queue_url ${quoted(shared.queueUrl)}`,
    `operator_token_file ${quoted(shared.operatorTokenFile)}`,
    `secret_key_file ${quoted(shared.secretKeyFile)}`,
    ...(node.host ? hostLines(node.host) : []),
    'forge "local" kind="git" {',
    `    webhook_secret_file ${quoted(shared.webhookSecretFile)}`,
    '}',
    'team "release" "ada" "grace"',
    ...node.more,
    '',
  ].join('\n');
}

function hostLines(host: NonNullable<NodeSettings['host']>): string[] {
  const properties = [
    `id="${host.id}"`,
    // A host file says these two of each of its pools.
    ...(host.file === undefined ? [`backend="${host.backend}"`, 'image="solstice-test/tools:1"'] : []),
    ...(host.slots === undefined ? [] : [`slots=${host.slots}`]),
    // More than the machine has: what is tested is the counting, and most of these jobs only wait.
    `cpus=${host.cpus ?? 64}`,
    `memory="${host.memory ?? '64GiB'}"`,
  ];
  return [
    `host ${properties.join(' ')} {`,
    ...(host.file === undefined ? [] : [`    file ${JSON.stringify(host.file)}`]),
    ...(host.more ?? []).map((line) => `    ${line}`),
    '}',
  ];
}
