import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';

/**
 * What the network labs of a run (packages/testing/src/network) left: namespaces, cables' ends on this machine, and rules
 * in its firewall that name such a cable. It is taken away. The others' stay, and so does what was there before.
 *
 * @param {string} temporaryRoot of this run: its name is in its namespaces' names
 * @returns {string[]} one line for each
 */
export function takeNetworkLeftovers(temporaryRoot) {
  const left = [];
  for (const name of namespaces().filter((each) => each.startsWith(`solstice-lab_${basename(temporaryRoot)}_`))) {
    left.push(`network namespace ${name}`);
    // Its cables, with their ends on this machine and the routes over them, go with it.
    ask('ip', 'netns', 'delete', name);
  }
  const cables = ask('ip', '-o', 'link', 'show').match(/\bsol198-1[89]-\d+\b/g) ?? [];
  for (const rule of ask('iptables', '-S').split('\n')) {
    // No lab of anybody writes rules there: they stand in the labs' own namespaces.
    if (/\bsol198-1[89]-\d+\b/.test(rule)) {
      left.push(`firewall rule: ${rule}`);
      ask('iptables', ...rule.replace(/^-A/, '-D').split(' '));
    }
  }
  // A cable whose router is gone can't be told whose it was; its namespace was: only what is left when no lab is.
  if (namespaces().every((name) => !name.startsWith('solstice-lab_'))) {
    for (const cable of new Set(cables)) {
      if (ask('ip', 'link', 'show', cable) !== '') {
        left.push(`network cable ${cable}`);
        ask('ip', 'link', 'delete', cable);
      }
    }
  }
  return left;
}

function namespaces() {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

/** Empty where the command is missing, may not, or fails: what it should have taken away is gone then, or is seen. */
function ask(command, ...args) {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    });
  } catch {
    return '';
  }
}
