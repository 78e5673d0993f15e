import { SolsticeError } from '@solstice/common/errors';

/** The store has given this host's name to another process. Whatever else goes wrong may be over at the next try. */
export function isReplaced(error: Error): boolean {
  return error instanceof SolsticeError && error.code === 'host-replaced';
}
