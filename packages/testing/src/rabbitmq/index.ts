export type { TestCertificates } from './certificates.js';
export { type BrokerPlace, type QueueSeen, RabbitBroker, type TestVhost } from './rabbitmq-broker.js';
export { type RabbitServer, type RabbitServerOptions, startRabbitServer } from './rabbitmq-server.js';
export { rabbitForTests, sharedBroker } from './shared-broker.js';
