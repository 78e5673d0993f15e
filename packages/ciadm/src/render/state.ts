import { describeState } from '@solstice/api';
import type { Colours } from '../output.js';

export function paintState(state: string, colours: Colours, text = describeState(state)): string {
  switch (state) {
    case 'succeeded':
    case 'ok':
    case 'planned':
    case 'active':
      return colours.green(text);
    case 'failed':
    case 'timed_out':
    case 'lost':
    case 'refused':
    case 'fail':
    case 'error':
      return colours.red(text);
    case 'running':
    case 'claimed':
      return colours.cyan(text);
    case 'queued':
    case 'ready':
    case 'blocked':
    case 'received':
    case 'pending':
    case 'warn':
    case 'draining':
    case 'cordoned':
      return colours.yellow(text);
    default:
      return colours.dim(text);
  }
}
