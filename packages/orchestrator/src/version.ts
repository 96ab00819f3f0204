/** Set when a release is built under another version than this checkout's (see make-release.ts of apps/updater). */
declare const HOMESERVER_UPDATES_VERSION: string | undefined;

/** The version of this orchestrator; raise it with every release. */
export const ORCHESTRATOR_VERSION: string =
  typeof HOMESERVER_UPDATES_VERSION === 'string' ? HOMESERVER_UPDATES_VERSION : '1.0.0';
