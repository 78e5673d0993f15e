import { forgeSettings, hostSettings, repositorySettings, type SettingTable, topSettings } from './setting-table.js';

/** docs/settings.md, made from the tables that the parser reads with. */
export function renderSettingsPage(): string {
  return `# Settings

<!-- Generated from packages/common/src/config/setting-table.ts by scripts/generate-docs.mjs. -->

Solstice reads one file, \`solstice.kdl\`, in [KDL 2](https://kdl.dev). It needs none: everything has a default. The
file is the one that \`--config\` names, else the one that \`SOLSTICE_CONFIG\` names (these two must exist), else the
first that is there of

1. \`./solstice.kdl\`
2. \`/etc/solstice/solstice.kdl\`
3. \`<data_dir>/solstice.kdl\`, with \`SOLSTICE_DATA_DIR\` or the default as data directory

A variable goes over the file. An unknown setting, an unknown \`SOLSTICE_*\` variable, a wrong value or a value given
twice stops the start, and all of them are told at once, each with its place.

\`\`\`kdl
data_dir "/var/lib/solstice"
listen "0.0.0.0:8420"
public_url "https://ci.example.org"

host id="alder" backend="container" cpus=8 memory="32GiB" image="debian:12" {
    log_cap "200MiB"
}

forge "code" kind="forgejo" url="https://code.example.org" {
    webhook_secret_file "/etc/solstice/webhook-secret"
    token_file "/etc/solstice/token"
    repository "acme/app"
}

forge "local" kind="git" {
    webhook_secret_file "/etc/solstice/local-secret"
    repository "sample" path="/srv/git/sample.git"
}
\`\`\`

- \`name="value"\` and \`{ name "value"; }\` mean the same. \`log-cap\` and \`log_cap\` are the same word.
- Sizes have a unit: \`B\`, \`KiB\`, \`MiB\`, \`GiB\`, \`TiB\`; times \`s\`, \`m\`, \`h\`. Addresses are \`host:port\`, IPv6 in brackets.
- Relative paths in the file are meant from the file's folder, those in variables from the working directory.
- A secret stands in the file (\`token="…"\`), in a file of its own (\`token_file="…"\`) or in a variable. A file that others
  may read is warned of. Secrets are never printed: not in logs, errors, or \`ciadm\`.
- In a variable's name \`<ID>\` is the forge's id in upper case, with \`_\` for \`-\`: for \`my-forge\` it is
  \`SOLSTICE_FORGE_MY_FORGE_TOKEN\`.

## Top level

${renderTable(topSettings)}
## \`host\`

What this machine offers to jobs. At most one.

${renderTable(hostSettings)}
## \`forge\`

One for each server, or set of plain repositories, that webhooks come from.

${renderTable(forgeSettings)}
## \`repository\`, inside \`forge\`

The repositories that Solstice builds. More can be added at any time with \`ciadm repo add\`. A webhook of any other is
refused.

${renderTable(repositorySettings)}
## \`team\`

\`\`\`kdl
team "release" "ada" "grace"
\`\`\`

A name, and who is in it: whom a gate's \`approvers "team:release"\` means. As many as there are teams. \`ciadm approve\` and
\`reject\` say who decides (\`--by\`); which teams that person is in is looked up here, when the decision comes. In a fleet: the
same on every node with the \`api\` role.

## Variables that are no settings

| variable | meaning |
|---|---|
| \`SOLSTICE_CONFIG\` | The settings file. |
| \`SOLSTICE_URL\`, \`SOLSTICE_TOKEN_FILE\` | Where \`ciadm\` finds the operator API, and the file with its token. |
| \`SOLSTICE_TEST_*\`, \`SOLSTICE_UPDATE_GOLDEN\` | Read by the test suite only. |
`;
}

function renderTable(table: SettingTable): string {
  const rows = Object.entries(table).map(([name, { variable, type, default: fallback, meaning }]) => {
    const cells = [`\`${name}\``, type, fallback, variable === undefined ? '' : `\`${variable}\``, meaning];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| setting | type | default | variable | meaning |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}
