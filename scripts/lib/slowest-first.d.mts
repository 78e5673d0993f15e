import { BaseSequencer } from 'vitest/node';

/** What vitest.config.ts needs of slowest-first.mjs. */
export declare class SlowestFirst extends BaseSequencer {}
