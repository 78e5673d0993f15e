export type { ReceivedSpan } from './received-span.js';
export { type OtlpReceiver, type OtlpReceiverOptions, startOtlpReceiver } from './receiver.js';
