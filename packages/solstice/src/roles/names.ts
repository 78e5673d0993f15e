import { nearestName, SolsticeError } from '@solstice/common/errors';

/** In the order in which they are told. */
const roles = ['webhooks', 'planner', 'relay', 'reporter', 'orchestrator', 'api'] as const;
export type Role = (typeof roles)[number];

/** What always makes sense together, by one name. */
const forge: readonly Role[] = ['webhooks', 'planner', 'relay', 'reporter'];

export const allRoles: ReadonlySet<Role> = new Set(roles);

/** `forge,api`: commas, no role twice. Throws `usage`. */
export function parseRoles(text: string): ReadonlySet<Role> {
  const chosen = new Set<Role>();
  for (const name of text.split(',').map((word) => word.trim())) {
    const meant = name === 'forge' ? forge : roles.filter((role) => role === name);
    if (meant.length === 0) {
      const nearest = nearestName(name, ['forge', ...roles]);
      throw new SolsticeError(
        'usage',
        `--roles: there is no role "${name}"${nearest ? `; did you mean "${nearest}"?` : ''}`,
        {
          hint: `Roles are ${roles.join(', ')}; forge stands for ${forge.join(', ')}.`,
        },
      );
    }
    for (const role of meant) chosen.add(role);
  }
  return chosen;
}

/** As a person would have said them: `forge, api`. */
export function describeRoles(chosen: ReadonlySet<Role>): string {
  const whole = forge.every((role) => chosen.has(role));
  const rest = roles.filter((role) => chosen.has(role) && !(whole && forge.includes(role)));
  return [...(whole ? ['forge'] : []), ...rest].join(', ');
}
