import type { z } from 'zod';
import {
  type DeadLetterView,
  deadLetterListSchema,
  deadLetterSchema,
  type HostDetailView,
  type HostView,
  hostAnswer,
  hostListSchema,
  removedSchema,
  replayedSchema,
  type StatusView,
  statusSchema,
} from '../fleet-schemas.js';
import type {
  approveBodySchema,
  cancelBodySchema,
  drainBodySchema,
  exportBodySchema,
  hostBodySchema,
  rejectBodySchema,
  repositoryBodySchema,
  rerunBodySchema,
  triggerBodySchema,
} from '../requests.js';
import { MOST_IMPORT_BYTES, tooLarge } from '../runs/import-limit.js';
import { type ScheduleList, scheduleListSchema } from '../schedules/schedule-view.js';
import {
  type CheckView,
  cancelAnswerSchema,
  checkListSchema,
  type DeliveryView,
  type DoctorItem,
  deliveryListSchema,
  deliverySchema,
  doctorSchema,
  type GateAnswer,
  gateAnswerSchema,
  newRunAnswerSchema,
  type RepositoryAnswer,
  type RepositoryView,
  type RunDetailView,
  type RunDocument,
  type RunEvents,
  type RunSummaryView,
  repositoryAnswerSchema,
  repositoryListSchema,
  runDetailSchema,
  runDocumentSchema,
  runEventsSchema,
  runListSchema,
  type TriggerAnswer,
  triggerAnswerSchema,
  type Why,
  whySchema,
} from '../schemas.js';
import { type OperatorClientSettings, OperatorHttp } from './http.js';
import { bodyOf, type LogItem, type LogRequest, readLog } from './log-stream.js';

type Loose<T> = { [Key in keyof T]: T[Key] | undefined };

/** Of what makes runs: the same request with the same key makes them once. Absent: a key of its own, for this call. */
interface Keyed {
  key?: string | undefined;
}

/**
 * The operator API, typed. A run is named by its number or id, a repository by name, `forge:name` or id.
 * Everything rejects with a SolsticeError: `api-unreachable`, `api-unauthorised`, `not-found`, `refused` (a
 * RefusedError with the state), `usage`, or another that the server named.
 */
export interface OperatorClient {
  status(): Promise<StatusView>;
  /** Newest first. `state`: one, or several with spaces. `before`: only older than this number. */
  runs(filter?: {
    repository?: string | undefined;
    state?: string | undefined;
    before?: number | undefined;
    limit?: number | undefined;
    /** Only those that wait for something that is no host, with what. */
    waiting?: boolean | undefined;
  }): Promise<RunSummaryView[]>;
  run(ref: string | number): Promise<RunDetailView>;
  events(ref: string | number): Promise<RunEvents['events']>;
  why(ref: string | number): Promise<Why>;
  cancel(ref: string | number, request?: Loose<z.input<typeof cancelBodySchema>>): Promise<RunDetailView>;
  /** Rejects with `refused` if it is not open, `forbidden` for who may not, `usage` for inputs that it does not take. */
  approve(ref: string | number, gate: string, request?: Loose<z.input<typeof approveBodySchema>>): Promise<GateAnswer>;
  reject(ref: string | number, gate: string, request?: Loose<z.input<typeof rejectBodySchema>>): Promise<GateAnswer>;
  /** A new run, of all of it or of what is named. Rejects with `refused` while it goes on, or if there is nothing to do. */
  rerun(ref: string | number, request?: Loose<z.input<typeof rerunBodySchema>> & Keyed): Promise<RunDetailView>;
  /** Ends it here, and gives what another installation takes; of one that was exported, the same again. */
  exportRun(ref: string | number, request?: Loose<z.input<typeof exportBodySchema>>): Promise<RunDocument>;
  /** Rejects with `refused` if it is here already, `not-found` without its repository, `usage` if it was edited. */
  importRun(document: object, request?: Keyed): Promise<RunDetailView>;
  /** With the states around it; reconnects by itself. */
  log(ref: string | number, request?: LogRequest): AsyncGenerator<LogItem>;
  /** Exactly what the steps printed on their standard output and error. */
  printed(ref: string | number, request?: Omit<LogRequest, 'follow' | 'patienceMs'>): AsyncGenerator<Uint8Array>;
  hosts(): Promise<HostView[]>;
  /** With its workers. */
  host(id: string): Promise<HostDetailView>;
  /** It takes nothing new; after `forMs`, where that is said, what still runs there is handed back. */
  drain(id: string, request?: Loose<z.input<typeof drainBodySchema>>): Promise<HostDetailView>;
  /** It takes nothing new. */
  cordon(id: string, request?: Loose<z.input<typeof hostBodySchema>>): Promise<HostDetailView>;
  /** It takes work again. */
  resume(id: string, request?: Loose<z.input<typeof hostBodySchema>>): Promise<HostDetailView>;
  /** Forgets one that is dead and holds nothing; else rejects with `refused`. */
  removeHost(id: string, request?: Loose<z.input<typeof hostBodySchema>>): Promise<void>;
  /** Newest first, and how many there are in all. */
  deadLetters(filter?: { limit?: number | undefined }): Promise<{ total: number; letters: DeadLetterView[] }>;
  /** With its body. */
  deadLetter(id: string): Promise<DeadLetterView>;
  /** Rejects with `refused` while it still cannot be read. */
  replayDeadLetter(id: string): Promise<void>;
  removeDeadLetter(id: string): Promise<void>;
  trigger(request: Loose<z.input<typeof triggerBodySchema>> & Keyed & { repository: string }): Promise<TriggerAnswer>;
  repositories(): Promise<RepositoryView[]>;
  addRepository(request: Loose<z.input<typeof repositoryBodySchema>> & { name: string }): Promise<RepositoryAnswer>;
  deliveries(filter?: {
    state?: DeliveryView['state'] | undefined;
    limit?: number | undefined;
  }): Promise<DeliveryView[]>;
  delivery(id: string): Promise<DeliveryView>;
  /** By repository and file; with what they were read from, also where there are none. */
  schedules(filter?: { repository?: string | undefined }): Promise<ScheduleList>;
  checks(filter?: {
    run?: string | number | undefined;
    commit?: string | undefined;
    pending?: boolean | undefined;
    limit?: number | undefined;
  }): Promise<CheckView[]>;
  doctor(): Promise<DoctorItem[]>;
}

export function createOperatorClient(settings: OperatorClientSettings): OperatorClient {
  const http = new OperatorHttp(settings);
  const hostPath = (id: string) => `/hosts/${encodeURIComponent(id)}`;
  const letterPath = (id: string) => `/dead-letters/${encodeURIComponent(id)}`;
  const runPath = (ref: string | number) => `/runs/${encodeURIComponent(ref)}`;
  const gatePath = (ref: string | number, gate: string) => `${runPath(ref)}/gates/${encodeURIComponent(gate)}`;
  return {
    status: () => http.get(statusSchema, '/status'),
    runs: async (filter = {}) => (await http.get(runListSchema, '/runs', filter)).runs,
    run: (ref) => http.get(runDetailSchema, runPath(ref)),
    events: async (ref) => (await http.get(runEventsSchema, `${runPath(ref)}/events`)).events,
    why: (ref) => http.get(whySchema, `${runPath(ref)}/why`),
    cancel: async (ref, request = {}) => (await http.post(cancelAnswerSchema, `${runPath(ref)}/cancel`, request)).run,
    approve: (ref, gate, request = {}) => http.post(gateAnswerSchema, `${gatePath(ref, gate)}/approve`, request),
    reject: (ref, gate, request = {}) => http.post(gateAnswerSchema, `${gatePath(ref, gate)}/reject`, request),
    rerun: async (ref, { key, ...request } = {}) =>
      (await http.postOnce(newRunAnswerSchema, `${runPath(ref)}/rerun`, request, key)).run,
    exportRun: (ref, request = {}) => http.post(runDocumentSchema, `${runPath(ref)}/export`, request),
    importRun: async (document, { key } = {}) => {
      // Else the server closes the connection half way, and nothing says why.
      if (Buffer.byteLength(JSON.stringify(document)) > MOST_IMPORT_BYTES) throw tooLarge();
      return (await http.postOnce(newRunAnswerSchema, '/runs/import', document, key)).run;
    },
    log: (ref, request = {}) => readLog(http, String(ref), request),
    printed: async function* (ref, { job, step, attempt, after, signal } = {}) {
      const query = { job, step, attempt, after };
      yield* bodyOf(await http.open('GET', `${runPath(ref)}/log`, { query, ...(signal && { signal }) }));
    },
    hosts: async () => (await http.get(hostListSchema, '/hosts')).hosts,
    host: async (id) => (await http.get(hostAnswer, hostPath(id))).host,
    drain: async (id, request = {}) => (await http.post(hostAnswer, `${hostPath(id)}/drain`, request)).host,
    cordon: async (id, request = {}) => (await http.post(hostAnswer, `${hostPath(id)}/cordon`, request)).host,
    resume: async (id, request = {}) => (await http.post(hostAnswer, `${hostPath(id)}/resume`, request)).host,
    removeHost: async (id, request = {}) => {
      await http.post(removedSchema, `${hostPath(id)}/remove`, request);
    },
    deadLetters: (filter = {}) => http.get(deadLetterListSchema, '/dead-letters', filter),
    deadLetter: (id) => http.get(deadLetterSchema, letterPath(id)),
    replayDeadLetter: async (id) => {
      await http.post(replayedSchema, `${letterPath(id)}/replay`, {});
    },
    removeDeadLetter: async (id) => {
      await http.post(removedSchema, `${letterPath(id)}/remove`, {});
    },
    trigger: ({ key, ...request }) => http.postOnce(triggerAnswerSchema, '/trigger', request, key),
    repositories: async () => (await http.get(repositoryListSchema, '/repositories')).repositories,
    addRepository: (request) => http.post(repositoryAnswerSchema, '/repositories', request),
    deliveries: async (filter = {}) => (await http.get(deliveryListSchema, '/deliveries', filter)).deliveries,
    delivery: (id) => http.get(deliverySchema, `/deliveries/${encodeURIComponent(id)}`),
    schedules: (filter = {}) => http.get(scheduleListSchema, '/schedules', filter),
    checks: async (filter = {}) => (await http.get(checkListSchema, '/checks', filter)).checks,
    doctor: async () => (await http.get(doctorSchema, '/doctor')).items,
  };
}
