export { koffiBesideBundle } from './koffi-beside-bundle.ts';
export { makeExecutable, medianStartMs } from './make-executable.ts';
