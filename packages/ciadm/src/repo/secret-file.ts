import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SolsticeError, toError } from '@solstice/common/errors';

/** The first line of a secret file. */
export async function readSecret(file: string): Promise<string> {
  try {
    const secret = (await readFile(file, 'utf8')).trim();
    if (secret !== '') return secret;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? toError(error).message;
    throw new SolsticeError('usage', `The secret file ${file} cannot be read (${reason}).`, {
      hint: 'Add --generate-secret to make one.',
      cause: error,
    });
  }
  throw new SolsticeError('usage', `The secret file ${file} is empty.`);
}

/** A new secret in a file that only its owner may read; one that is there already is kept. */
export async function ensureSecret(file: string): Promise<{ secret: string; made: boolean }> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const secret = randomBytes(32).toString('hex');
  try {
    // `wx`: never over one that a forge may know already.
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { secret, made: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return { secret: await readSecret(file), made: false };
  }
}
