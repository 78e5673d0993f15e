export { environmentOf, type RunnerLimits } from './attempts/assignment.js';
export type { Mirrors } from './attempts/attempts.js';
export { type GroupKeeperOptions, type RunningGroupKeeper, startGroupKeeper } from './groups/group-keeper.js';
export { type ChosenBackend, capacityOf, chooseBackend, singleHostPools } from './hosts/backends.js';
export { type ReaperOptions, type RunningReaper, startReaper } from './hosts/reaper.js';
export { type DirectoryLock, lockDirectory, openStateDirectory, type StateDirectory } from './hosts/state-directory.js';
export { type Orchestrator, type OrchestratorDependencies, type StopMode, startOrchestrator } from './orchestrator.js';
export {
  type RunningScheduleKeeper,
  type ScheduleKeeperOptions,
  startScheduleKeeper,
} from './schedules/schedule-keeper.js';
export { type RunningTimerKeeper, startTimerKeeper, type TimerKeeperOptions } from './timers/timer-keeper.js';
export { type AttemptTelemetry, withAttemptTelemetry } from './traces/with-attempt-telemetry.js';
