// How a command ends: the exit codes for scripts, and the error that carries one.

/** One row an exit code. `--help` is printed from this table. */
export const EXITS = {
  ok: {
    code: 0,
    meaning:
      'success; watch, submit --wait, batch: all tasks are complete; several IDs: success for all of them; doctor: no fault',
  },
  failed: { code: 1, meaning: 'watch, submit --wait, batch: a task failed; batch: or was deleted; doctor: a fault' },
  usage: { code: 2, meaning: 'the command line is wrong' },
  no_task: { code: 3, meaning: 'no task has this ID: it was never created, or it was deleted' },
  refused: { code: 4, meaning: 'the server refused the request (4xx)' },
  unreachable: { code: 5, meaning: 'nothing listens, no answer in time, or the server failed (5xx)' },
  configuration: { code: 78, meaning: 'start, config check: the configuration has faults' },
} as const

export type Exit = keyof typeof EXITS

/** Ends a command: the text goes to stderr, the code to the shell. */
export class CommandError extends Error {
  readonly exit: Exit
  /** The API's problem document as JSON text; absent when there is none. */
  readonly problem: string | undefined

  constructor(exit: Exit, text: string, problem?: string) {
    super(text)
    this.name = 'CommandError'
    this.exit = exit
    this.problem = problem
  }
}
