export { createOperatorClient, type OperatorClient } from './client/client.js';
export type { OperatorClientSettings } from './client/http.js';
export type { LogItem, LogRequest } from './client/log-stream.js';
export type { ForgePort, OperatorApiDeps, RunPageDeps, TriggerOutcome, TriggerRequest } from './deps.js';
export type { Count, DeadLetterView, HostDetailView, HostView, StatusView, WorkerView } from './fleet-schemas.js';
export { decideCommands, decisionsText } from './gates/gate-view.js';
export { followLog } from './logs/follow-log.js';
export { PlainText } from './logs/plain-text.js';
export { RefusedError } from './operator/errors.js';
export { registerOperatorApi } from './operator/register.js';
export { registerRunPages } from './pages/register.js';
export { describeState } from './runs/describe.js';
export { nodeFacts, runName } from './runs/node-facts.js';
export { runPagePath, unbegunStep } from './runs/run-view.js';
export type { ScheduleList, ScheduleReadingView, ScheduleView } from './schedules/schedule-view.js';
export type {
  AttemptInfo,
  CheckView,
  DeliveryView,
  DoctorItem,
  GateAnswer,
  GateView,
  LogEvent,
  NodeView,
  RepositoryAnswer,
  RepositoryView,
  RunDetailView,
  RunDocument,
  RunSummaryView,
  StepView,
  TriggerAnswer,
  Why,
} from './schemas.js';
