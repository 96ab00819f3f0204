/** What `orchestrator/index.mjs` of a release exports (DESIGN: "The repository that servers pull"). */
export interface ReleaseModule {
  version: string;
  /** Throws when the release cannot work on this machine. */
  selfCheck(): Promise<void>;
  /** The command line; resolves with the exit code. */
  main(argv: readonly string[]): Promise<number>;
}
