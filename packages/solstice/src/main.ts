import { solstice } from './cli/command-line.js';

// At once: everything has been stopped in order by now, and a timer that a library forgot must not hold the end up.
process.exit(await solstice(process.argv));
