import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { text } from 'node:stream/consumers';
import { Secret } from '@solstice/common/config';
import { SolsticeError, toError } from '@solstice/common/errors';
import { postReceive } from '@solstice/forge-integration';

export interface PostReceiveOptions {
  url: string;
  repository: string;
  secretFile?: string;
}

/** The pusher reads what this prints. The push itself has happened; the exit code says only whether it was delivered. */
export async function runPostReceive(options: PostReceiveOptions, stdin: NodeJS.ReadableStream): Promise<number> {
  let secret: Secret | undefined;
  if (options.secretFile !== undefined) {
    try {
      secret = new Secret(readFileSync(options.secretFile, 'utf8').trimEnd());
    } catch (error) {
      throw new SolsticeError('settings-invalid', `cannot read the secret: ${toError(error).message}`, {
        hint: 'The user who pushes must be able to read the file.',
      });
    }
  }
  const { undelivered } = await postReceive({
    lines: await text(stdin),
    url: options.url,
    repository: options.repository,
    secret,
    // Git runs a hook inside the repository that was pushed to.
    gitDirectory: process.cwd(),
    pusher: pusher(),
    environment: process.env,
    print: (line) => console.log(line),
  });
  return undelivered === 0 ? 0 : 1;
}

/** Whom the server that git runs under says it let in, else the user of this process. */
function pusher(): string {
  const { GL_USER, REMOTE_USER } = process.env;
  return GL_USER ?? REMOTE_USER ?? userInfo().username;
}
