import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { liveScript } from './live-script.js';
import { style } from './style.js';

test('the script is one, and neither it nor the style can end its element', () => {
  expect(() => new Script(liveScript)).not.toThrow();
  expect(liveScript).not.toMatch(/<\/?script|<!--/i);
  expect(style).not.toContain('<');
});
