import { commandFlag } from './command/install.js';

// One file is two programs: each loads only what it needs, so that `solstice` in a step is quick.
const [first, ...words] = process.argv.slice(2);
if (first === commandFlag) void import('./command/client.js').then(({ runCommand }) => runCommand(words));
else void import('./runner.js').then(({ startRunner }) => startRunner());
