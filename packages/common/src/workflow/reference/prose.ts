/** The beginning of docs/workflow.md. */
export const intro = `# Workflows

A workflow is a file \`.solstice/<any name>.kdl\` in your repository. Every push that it wants becomes a run, and every
run becomes one check on the commit, called \`solstice/<name of the workflow>\`.

\`\`\`kdl
workflow name="CI" {
    on "push" branches="main release/*"

    job id="build" runs_on="linux" {
        step name="Format" run="cargo fmt --check"
        step name="Test" run="cargo test --workspace" timeout="20m"
    }
}
\`\`\`

\`cidev validate\` checks such files without a server, \`cidev inspect\` shows what they mean, \`cidev fmt\` formats them. Every example on this page is
checked by a test, and so is what becomes of it.`;

/** How the language is spelled. */
export const spelling = `## How it is written

Files are [KDL 2.0](https://kdl.dev), with a few rules:

- **A property is a child with one argument.** \`timeout="45m"\` and \`{ timeout "45m"; }\` mean the same; both at once is an
  error. \`runs-on\` is \`runs_on\`.
- **The first argument is the identity**: \`job "build"\` is \`job id="build"\`, \`step "Test"\` is \`step name="Test"\`.
- **A list** is several arguments, or one text with spaces: \`needs "a" "b"\` or \`needs="a b"\`.
- **Durations have units**: \`"500ms"\`, \`"90s"\`, \`"20m"\`, \`"1h30m"\`, at most \`"14d"\`.
- **Texts of several lines** stand between \`"""\`, each on a line of its own; the indentation of the last line is taken off
  all others. In \`"…"\` and \`"""\` a backslash escapes (\`\\n\`, \`\\\\\`), and at the end of a line it joins it with the next. In
  raw strings, \`#"…"#\` and \`#"""\` … \`"""#\`, nothing is escaped.
- Comments are \`// to the end of the line\`, \`/* between */\`, and \`/-\` before a node, property or argument.

\`cidev fmt\` rewrites files in the form of the examples here: four spaces a block, a node a line unless its block stands on one,
\`runs_on\` for \`runs-on\`. Comments, what a file means, and what its texts say stay as they are; a file with errors in its syntax
stays as it is. \`cidev fmt --check\` writes nothing, names the files that it would write, and exits with 1 if there are any;
\`cidev fmt --upgrade\` also makes KDL 2.0 of KDL 1.0; \`cidev fmt -\` reads the input and prints.

The same workflow, written with children:

\`\`\`kdl
workflow "CI" {
    on "push" {
        branches "main" "release/*"
    }
    job "build" {
        runs_on "linux"
        step "Format" { run "cargo fmt --check"; }
        step "Test" {
            timeout "20m"
            run "cargo test --workspace"
        }
    }
}
\`\`\``;

/** Before the words that are not built. */
export const later = `The other words of the language are known, and answered with *not available yet*: a warning in \`cidev validate\`, and a
failed check when you push, because nothing is silently left out.

<!-- warning: not-available-yet -->
\`\`\`kdl
workflow name="Later" {
    on "push"
    job id="test" {
        secret "CODECOV_TOKEN"
        cache "cargo" key="v1" { path "~/.cargo"; }
        step run="make test"
    }
}
\`\`\``;

/** Before the codes. */
export const checker = `## What the checker says

\`file:line:column\`, the line with a caret under the place, what is wrong, and what would be right:

\`\`\`text
.solstice/ci.kdl:4:9: error: there is no word "stpe" in "job" [unknown-word]
  4 |         stpe name="Test" run="make"
    |         ^^^^
  hint: Did you mean "step"?
\`\`\`

\`cidev validate --format json\` prints a list of \`{file, line, column, endLine, endColumn, severity, code, message, hint}\`. Lines
and columns count from 1; columns count UTF-16 code units; the end is exclusive. \`--format sarif\` prints a SARIF 2.1.0 log with the same
places, for code scanning; \`--format github\` the commands that make annotations in GitHub and Forgejo Actions. Their paths are those
from the root of the repository. The codes:`;
