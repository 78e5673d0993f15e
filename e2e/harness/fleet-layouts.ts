import { rabbitForTests } from '@solstice/testing';
import type { NodeOptions } from './fleet.js';
import type { HostOptions } from './fleet-settings.js';

/** Where RabbitMQ's programs are; without them, and without root to keep other users' files apart, fleets are skipped. */
export const rabbit = await rabbitForTests();
export const scripts = 'scripts' in rabbit ? rabbit.scripts : '';
export const fleetMissing = 'missing' in rabbit;

export const hostNames = ['alder', 'birch', 'cedar'] as const;

/** One forge integration with the API, and three orchestrators with state directories of their own. */
export function forgeAndThreeHosts(host: HostOptions): Record<string, NodeOptions> {
  return {
    forge: { roles: 'forge,api' },
    ...Object.fromEntries(hostNames.map((name) => [name, { roles: 'orchestrator', host }])),
  };
}

/** Each role in a process of its own. The webhooks come first: the fleet's public address is theirs. */
export function everyRoleApart(host: HostOptions): Record<string, NodeOptions> {
  return {
    webhooks: { roles: 'webhooks' },
    planner: { roles: 'planner' },
    relay: { roles: 'relay' },
    reporter: { roles: 'reporter' },
    api: { roles: 'api' },
    ...Object.fromEntries(hostNames.map((name) => [name, { roles: 'orchestrator', host }])),
  };
}
