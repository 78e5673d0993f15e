export type { ApiRequest, Hook, HostedPull, HostedRepository, Misbehaviour, RecordedStatus } from './api-server.js';
export { BareRepository } from './bare-repository.js';
export { forgejoPayloads, forgejoUserId } from './forgejo-payloads.js';
export { ForgejoServer } from './forgejo-server.js';
export { githubPayloads, githubUserId } from './github-payloads.js';
export { GithubServer } from './github-server.js';
export {
  exampleComment,
  exampleCommit,
  examplePullRequest,
  examplePush,
  exampleRepository,
  NO_COMMIT,
  type Payload,
  type PayloadComment,
  type PayloadCommit,
  type PayloadPullRequest,
  type PayloadPush,
  type PayloadRepository,
} from './payload.js';
export { type DeliveryOptions, forgejoHeaders, githubHeaders, WebhookSender } from './webhook-sender.js';
