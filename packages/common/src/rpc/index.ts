export * from './gen/solstice/runner/v1/runner.js';
export {
  environmentNameOf,
  FAIL_REASON_BYTES,
  OUTPUT_LIMITS,
  problemOfOutput,
  problemOfOutputName,
} from './outputs.js';
export { CONDITIONS_SINCE_MINOR, POLICIES_SINCE_MINOR, PROTOCOL, WATCHDOG_SINCE_MINOR } from './protocol.js';
export { toReason } from './reason.js';
