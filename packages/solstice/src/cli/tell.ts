import { SolsticeError } from '@solstice/common/errors';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Prints what happened, which kind, and the way out; a stack only for what should be impossible. Gives the exit code. */
export function tell(error: unknown): number {
  if (error instanceof SolsticeError) {
    console.error(`solstice: ${error.message} [${error.code}]\n  ${error.hint}`);
    return error.code === 'usage' ? EXIT_USAGE : EXIT_FAILED;
  }
  console.error('solstice: an unexpected error, please report it:', error);
  return EXIT_FAILED;
}
