import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { Role } from '../roles/names.js';

/** Roles that open or make what is sealed: with another key than the rest of the fleet they would do harm. */
export const sealingRoles: readonly Role[] = ['webhooks', 'api'];

/**
 * What a node of a fleet cannot make up for itself: throws `settings-invalid` with everything that is missing, and where
 * it is set. A key in the data directory counts if it is there.
 */
export function assertFleetSettings(settings: Settings, roles: ReadonlySet<Role>): void {
  const defaultKeyFile = join(settings.dataDirectory, 'secret.key');
  const missing: string[] = [];
  const add = (setting: string, what: string) =>
    missing.push(`${setting}: ${what} (or SOLSTICE_${setting.toUpperCase()})`);
  if (settings.databaseUrl === undefined) add('database_url_file', 'the file with the address of PostgreSQL');
  if (settings.queue === undefined) add('queue_url_file', 'the file with the address of RabbitMQ');
  if (
    sealingRoles.some((role) => roles.has(role)) &&
    settings.secretKeyFile === undefined &&
    !existsSync(defaultKeyFile)
  ) {
    add('secret_key_file', `the key that all nodes share; ${defaultKeyFile}, which would do as well, is not there`);
  }
  if (missing.length === 0) return;
  const file = settings.file ?? 'solstice.kdl (there is none yet; docs/settings.md says where it is looked for)';
  throw new SolsticeError(
    'settings-invalid',
    [`solstice serve needs settings that are missing in ${file}:`, ...missing.map((line) => `  ${line}`)].join('\n'),
    { hint: 'docs/fleet.md goes through them; solstice up needs none of them.' },
  );
}

/** Things that are allowed, but probably not meant where several nodes work together; for the log. */
export function fleetWarnings(settings: Settings, roles: ReadonlySet<Role>): string[] {
  const warnings: string[] = [];
  if (roles.has('reporter') && settings.publicUrl === undefined) {
    warnings.push('public_url is not set: the links on commits will lead to this node alone, if anywhere.');
  }
  if (roles.has('api') && settings.operatorTokenFile === undefined) {
    warnings.push('operator_token_file is not set: this node has an operator token of its own.');
  }
  return warnings;
}
