const ticks = { passed: '✓', failed: '✗' };

/** `1.2 s`, `3 min 04 s`. */
export function formatDuration(ms) {
  const seconds = ms / 1000;
  if (seconds < 60) {
    return `${seconds.toFixed(1)} s`;
  }
  return `${Math.floor(seconds / 60)} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
}

/** One line for something that was done; the output follows only when it failed. */
export function sayStep(isPassed, title, ms, output = '') {
  console.log(`${ticks[isPassed ? 'passed' : 'failed']} ${title.padEnd(44)} ${formatDuration(ms).padStart(8)}`);
  if (!isPassed && output.trim() !== '') {
    console.log(`\n${output.trimEnd()}\n`);
  }
}
