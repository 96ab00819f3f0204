/*
 * A release of the updater: what the repository that servers pull has as `orchestrator/index.mjs`, and what the installed
 * program consists of. It is loaded by the version before it, so these three names are a contract; loading it does nothing.
 */
export { ORCHESTRATOR_VERSION as version, selfCheck } from '@homeserver/orchestrator';
export { main } from './main.ts';
