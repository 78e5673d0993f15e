/** The look of the run pages: system fonts, both colour schemes, no files. */
export const style = `
:root { color-scheme: light dark; --paper: #fbfbfa; --ink: #1d2126; --soft: #667080; --line: #dfe2e6; --card: #fff;
  --good: #1a7f4b; --bad: #c0322b; --busy: #2563c9; --wait: #8a6d1d; --off: #6b7280; --code: #14181d; --code-ink: #dfe5ec; }
@media (prefers-color-scheme: dark) { :root { --paper: #14171b; --ink: #e4e8ed; --soft: #98a2b0; --line: #2c323a;
  --card: #1b1f25; --good: #4cc38a; --bad: #f2776f; --busy: #7aa8f7; --wait: #d9b54a; --off: #9aa3af; --code: #0d1013; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, footer { max-width: 72rem; margin: 0 auto; padding: 1.25rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1rem; margin: 1.75rem 0 .5rem; color: var(--soft); font-weight: 600; }
a { color: var(--busy); }
code, pre { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.state { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; font-size: .8125rem;
  font-weight: 600; white-space: nowrap; color: var(--off); }
[data-state=succeeded] > .state, .state[data-state=succeeded] { color: var(--good); }
.state[data-state=failed], .state[data-state=timed_out], .state[data-state=lost], .state[data-state=refused] { color: var(--bad); }
.state[data-state=running], .state[data-state=claimed] { color: var(--busy); }
.state[data-state=queued], .state[data-state=waiting], .state[data-state=ready], .state[data-state=blocked] { color: var(--wait); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .75rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.cause { color: var(--bad); font-weight: 500; overflow-wrap: anywhere; }
.gates { color: var(--wait); white-space: pre-line; unicode-bidi: plaintext; overflow-wrap: anywhere; }
.graph { display: flex; gap: 1.25rem; overflow-x: auto; padding: .25rem 0 .75rem; margin: 0; list-style: none; }
.graph > li { flex: 0 0 auto; display: flex; flex-direction: column; gap: .6rem; justify-content: center; }
.graph > li + li::before { content: ""; }
.graph a { display: flex; gap: .75rem; align-items: center; justify-content: space-between; min-width: 11rem; padding: .5rem .75rem;
  border: 1px solid var(--line); border-radius: .5rem; background: var(--card); color: inherit; text-decoration: none; }
.graph small { display: block; color: var(--soft); }
.job { border: 1px solid var(--line); border-radius: .5rem; background: var(--card); margin: .75rem 0; overflow: hidden; }
.job > summary { padding: .6rem .9rem; cursor: pointer; font-weight: 600; overflow-wrap: anywhere; }
.job > summary .took { color: var(--soft); font-weight: 400; margin-left: .5rem; }
.inside { padding: 0 .9rem .9rem; }
.facts { white-space: pre-line; unicode-bidi: plaintext; }
.note { color: var(--soft); margin: .25rem 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th { text-align: left; font-weight: 500; } td, th { padding: .2rem .5rem .2rem 0; border-bottom: 1px solid var(--line); }
td:last-child { text-align: right; color: var(--soft); white-space: nowrap; }
pre.log { background: var(--code); color: var(--code-ink); padding: .75rem; margin: .5rem 0 0; border-radius: .4rem; max-height: 32rem;
  overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; tab-size: 8; }
pre.log:empty::before { content: "nothing printed yet"; color: #8a94a1; }
.stderr { color: #f0b0a8; } .system { color: #8fb4ef; } .head { color: #98a2b0; font-weight: 600; }
footer { color: var(--soft); font-size: .8125rem; }
`;
