import { solstice } from './cli/command-line.js';

process.exitCode = await solstice(process.argv);
