import { expect, test } from 'vitest';
import { html } from './html.js';

test('what is put into a template is text, everywhere', () => {
  const evil = `"><img src=x onerror='alert(1)'>&`;
  expect(html`<a title="${evil}">${[evil, html`<b>${1}</b>`]}${undefined}${false}</a>`.markup).toBe(
    '<a title="&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;">' +
      '&quot;&gt;&lt;img src=x onerror=&#39;alert(1)&#39;&gt;&amp;<b>1</b></a>',
  );
});
