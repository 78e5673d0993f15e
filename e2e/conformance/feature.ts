import { readFileSync } from 'node:fs';

const features = JSON.parse(readFileSync(new URL('features.json', import.meta.url), 'utf8')) as { name: string }[];

/** The name of a test that shows this feature. Throws for one that is not on the list. */
export function feature(name: string): string {
  if (!features.some((one) => one.name === name)) throw new Error(`features.json has no feature "${name}"`);
  return name;
}
