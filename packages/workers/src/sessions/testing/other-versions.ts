import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleToFile } from '@solstice/runner/build';

export type OtherVersion = '1.0' | '1.1' | '1.2' | '1.3' | 'next-minor' | 'next-major';

/** The side of the protocol that another version speaks, in place of this one's. */
export function aliasOf(version: OtherVersion): Record<string, string> {
  const file = new URL(`../../../../common/src/rpc/testing/fixtures/rpc-${version}.ts`, import.meta.url);
  return { '@solstice/common/rpc': fileURLToPath(file) };
}

/** The real runner, speaking another version. Gives its bundle. */
export async function runnerBundleOf(version: OtherVersion, directory: string): Promise<string> {
  const main = fileURLToPath(new URL('../../../../runner/src/main.ts', import.meta.url));
  const bundle = join(directory, `runner-${version}.cjs`);
  await bundleToFile(main, bundle, { alias: aliasOf(version) });
  return bundle;
}
