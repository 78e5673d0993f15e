export { type BackendHarness, describeBackendContract } from './backend-contract.js';
export {
  type BackendFaults,
  createFakeBackend,
  type FakeBackend,
  type FakeBackendSettings,
  FakeMachine,
  type FakeWorker,
} from './fake-backend.js';
export {
  type StandInCommand,
  type StandInHello,
  StandInSession,
  StandInSessions,
  standInRunnerBundle,
} from './stand-in-sessions.js';
