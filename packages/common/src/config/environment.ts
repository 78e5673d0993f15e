import { nearestName } from '../errors/index.js';
import type { Problems } from './problems.js';
import type { Section } from './sections.js';
import { otherVariablePrefix, otherVariables, type SettingTable } from './setting-table.js';

/** Variables by name, as in process.env. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** A section of the settings, with the forge's id where its variables have one. */
export interface VariableTarget {
  section: Section;
  table: SettingTable;
  forgeId?: string;
}

/** `SOLSTICE_FORGE_<ID>_TOKEN` of forge `my-forge`: `SOLSTICE_FORGE_MY_FORGE_TOKEN`. */
export function variableName(pattern: string, forgeId = ''): string {
  return pattern.replace('<ID>', forgeId.toUpperCase().replaceAll('-', '_'));
}

/** Lays the `SOLSTICE_*` variables over the sections. One that nothing knows, or an empty one, is a problem. */
export function applyEnvironment(env: Environment, targets: readonly VariableTarget[], problems: Problems): void {
  const known = new Map<string, { target: VariableTarget; setting: string }>();
  for (const target of targets) {
    for (const [setting, definition] of Object.entries(target.table)) {
      if (definition.variable !== undefined) {
        known.set(variableName(definition.variable, target.forgeId), { target, setting });
      }
    }
  }
  for (const variable of Object.keys(env).sort()) {
    const value = env[variable];
    if (value === undefined || !variable.startsWith('SOLSTICE_')) {
      continue;
    }
    if (variable.startsWith(otherVariablePrefix) || otherVariables.includes(variable)) {
      continue;
    }
    const match = known.get(variable);
    if (match === undefined) {
      const meant = nearestName(variable, [...known.keys(), ...otherVariables]);
      problems.add(variable, `unknown variable${meant ? `; did you mean ${meant}?` : ''}`);
    } else if (value === '') {
      problems.add(variable, 'is empty: give it a value, or unset it');
    } else {
      const { values } = match.target.section;
      values.set(match.setting, { value, place: variable });
      // A secret in a variable goes over a file named in solstice.kdl, and the other way round.
      const twin = match.setting.endsWith('_file') ? match.setting.slice(0, -'_file'.length) : `${match.setting}_file`;
      if (values.get(twin)?.place.startsWith('SOLSTICE_') === false) {
        values.delete(twin);
      }
    }
  }
}
