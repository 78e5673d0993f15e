import type { WallClock } from '@solstice/common/clock';
import type { Environment, Machine } from '@solstice/common/config';

/** Everything that the command touches besides files, so that a test can stand in its place. */
export interface Io {
  stdout: NodeJS.WritableStream;
  stderr: NodeJS.WritableStream;
  /** Colours may be used. */
  colour: boolean;
  /** Width of the terminal; undefined: not a terminal, nothing is cut. */
  columns: number | undefined;
  env: Environment;
  machine: Machine;
  clock: WallClock;
  /** Fires on Ctrl-C. */
  interrupted: AbortSignal;
  /** How a hook starts `solstice` on this machine. */
  solsticeCommand: readonly string[];
}
