import { solstice } from './cli/command-line.js';

// At once: every part has been stopped in order by now. Without this, timers whose owner is not found yet have been
// seen to hold the end up for 24 s (containers, a checkout under /root).
process.exit(await solstice(process.argv));
