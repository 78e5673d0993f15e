// Makes one script of a thread's TypeScript entry, for tests that run from the sources.
import { buildSync } from 'esbuild';

const bundles = new Map();

export async function bundleThread(entry) {
  let bundle = bundles.get(entry);
  if (bundle === undefined) {
    const built = buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'cjs', write: false });
    bundle = built.outputFiles[0].text;
    bundles.set(entry, bundle);
  }
  return bundle;
}
