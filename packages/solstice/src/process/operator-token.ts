import { randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { SolsticeError } from '@solstice/common/errors';

/** The operator API's bearer token in the file of the settings, which must be there; else in the data directory, where it is made once. */
export function operatorToken(set: string | undefined, inDataDirectory: string): string {
  const file = set ?? inDataDirectory;
  let token = '';
  try {
    token = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || set !== undefined) {
      throw new SolsticeError('settings-invalid', `operator_token_file: ${file} cannot be read (${code})`, {
        hint: `Make one, the same for every node with the api role: openssl rand -hex 32 > ${file}; chmod 600 ${file}`,
      });
    }
  }
  if (token !== '') return token;
  if (set !== undefined) throw new SolsticeError('settings-invalid', `operator_token_file: ${file} is empty`);
  token = randomBytes(32).toString('hex');
  writeFileSync(`${file}.new`, `${token}\n`, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return token;
}
