/** What a subcommand of the simulator is, and what its exit codes say. */

/** The process's exit codes. */
export const EXIT = {
  ok: 0,
  /** A threshold was missed, a rule was broken, or the run failed. */
  failed: 1,
  /** Wrong options, or input that is missing, damaged or foreign. */
  badInput: 2,
} as const;

export interface SimCommand {
  /** Printed for `--help`, and after the message about a wrong option. */
  readonly help: string;
  /**
   * Runs it.
   *
   * @param args - those after the command's name, without `--help`.
   * @returns an exit code of EXIT.
   * @throws CopresenceError CONFIG_INVALID for a wrong option, RECORDING_INVALID for bad input.
   */
  run(args: readonly string[]): Promise<number>;
}
