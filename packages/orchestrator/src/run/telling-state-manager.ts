import {
  StateManager,
  type GuardOutcome,
  type GuardRequest,
  type OperationRecorder,
  type RestoreReport,
  type StateManagerOptions,
} from '@homeserver/state-manager';

type TellDisplaced = (place: RestoreReport['displaced'][number]) => void;

/**
 * The state manager that a module gets: a guard that is undone while the module runs is over before the updater could see
 * it, so what its restore moved out of the way is told at once.
 */
export class TellingStateManager extends StateManager {
  readonly #tell: TellDisplaced;

  constructor(options: StateManagerOptions, tell: TellDisplaced) {
    super(options);
    this.#tell = tell;
  }

  override async attempt<T>(
    slot: string,
    request: GuardRequest,
    change: (operations: OperationRecorder) => Promise<T>,
  ): Promise<GuardOutcome<T>> {
    const outcome = await super.attempt(slot, request, change);
    if (outcome.status !== 'committed') for (const place of outcome.report?.displaced ?? []) this.#tell(place);
    return outcome;
  }
}
