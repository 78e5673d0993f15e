import { mkdirSync } from 'node:fs';
import type { Source } from '@solstice/common/rpc';
import { checkOutWithGit } from './git-checkout.js';
import { findProgram } from './run-git.js';
import { receiveSource, type SourceChannel } from './source-transfer.js';

export interface CheckoutParts {
  source: Source | undefined;
  workDirectory: string;
  spoolDirectory: string;
  environment: Record<string, string>;
  channel: SourceChannel;
  /** A line for people. */
  say: (line: string) => void;
  monotonicMs: () => number;
}

/** No checkout takes longer; one that does has been forgotten by the host. */
const limitMs = 30 * 60_000;

/** Puts the commit's files into the work directory, and gives what steps need in their environment to work with them. */
export async function checkOut(parts: CheckoutParts, cancelled: AbortSignal): Promise<Record<string, string>> {
  const { source, workDirectory, spoolDirectory, environment, channel, say, monotonicMs } = parts;
  if (source === undefined) {
    mkdirSync(workDirectory, { recursive: true });
    return {};
  }
  const beganMs = monotonicMs();
  const seconds = () => ((monotonicMs() - beganMs) / 1000).toFixed(2);
  const signal = AbortSignal.any([cancelled, AbortSignal.timeout(limitMs)]);
  const git = source.mirrorPath === '' ? undefined : findProgram('git', environment.PATH ?? '');
  const what = source.ref === '' ? source.commit : `${source.commit} (${source.ref})`;
  if (git !== undefined) {
    const { mirrorPath, commit } = source;
    const call = { git, mirrorPath, commit, workDirectory, spoolDirectory, environment, signal };
    const stepEnvironment = await checkOutWithGit(call);
    say(`Checked out ${what} with git in ${seconds()} s.`);
    return stepEnvironment;
  }
  const fileCount = await receiveSource(channel, workDirectory, signal);
  say(`Unpacked ${fileCount} files of ${what} in ${seconds()} s; there is no git in this worker.`);
  return {};
}
