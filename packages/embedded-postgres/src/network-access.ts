import { chown, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ServerUser } from './server-user.js';

/**
 * Besides its socket the server listens on these addresses, for the other hosts of a fleet. Who may come is said by
 * network, not by the reach of the address alone.
 */
export interface NetworkAccess {
  /** `127.0.0.1`, `10.0.0.1`: addresses of this machine. */
  addresses: readonly string[];
  port: number;
  allow: readonly AllowedNetwork[];
  /** Of `solstice`, for the networks that have to give one; taken over at each start. */
  password?: string;
}

export interface AllowedNetwork {
  /** `10.0.0.0/24`, `::1/128`. */
  network: string;
  /** `trust`: whoever reaches the server from there is let in, as superuser. For a network that is ours alone. */
  method: 'trust' | 'scram-sha-256';
}

/** The settings of postgresql.conf that listening takes. */
export function networkSettings(
  access: NetworkAccess | undefined,
  files: { hostBasedAccess: string },
): Record<string, string> {
  if (access === undefined) return { listen_addresses: '' };
  return {
    listen_addresses: access.addresses.join(','),
    port: String(access.port),
    hba_file: files.hostBasedAccess,
  };
}

/** Writes who may connect from where, readable by the server alone. Gives the file. */
export async function writeHostBasedAccess(
  dataDirectory: string,
  access: NetworkAccess,
  user: ServerUser,
): Promise<string> {
  const path = join(dataDirectory, 'pg_hba.conf');
  const lines = [
    '# Written at each start.',
    'local all all trust',
    ...access.allow.map(({ network, method }) => `host all all ${network} ${method}`),
  ];
  await writeFile(`${path}.new`, `${lines.join('\n')}\n`, { mode: 0o600 });
  if (user.switched) await chown(`${path}.new`, user.uid, user.gid);
  await rename(`${path}.new`, path);
  return path;
}

/** A statement, whatever stands in the password. */
export function passwordStatement(password: string): string {
  return `set standard_conforming_strings = on; alter role solstice password '${password.replaceAll("'", "''")}'`;
}
