/*
 * What is needed before the rest is loaded: the program that is installed looks here which release to start in its place.
 */
export { noteDeath, whyNotToStart } from './deaths.ts';
export { DEFAULT_LOCATIONS } from './default-locations.ts';
export { releasesToStart } from './releases-to-start.ts';
export { startRelease } from './start-release.ts';
export { failedStartEnvironment, readFailedStart, readTakeover } from './takeover.ts';
export { DEFAULT_TRUST } from '../trust/trust-settings.ts';
export { ORCHESTRATOR_VERSION } from '../version.ts';

export type { Release } from './release.ts';
export type { StartOptions } from './start-release.ts';
export type { FailedStart, Takeover } from './takeover.ts';
