// The commands that take several IDs.
import { targetOf } from './address.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'

/**
 * Runs `act` for each ID, one after the other. When a word cannot be an id, nothing is sent. After a failure the other IDs are
 * still done, unless the API cannot be reached. The exit is the first that is not `ok`.
 */
export async function each(
  context: Context,
  words: readonly string[],
  act: (context: Context, id: string, turn: number) => Promise<Exit>,
): Promise<Exit> {
  const targets = words.map((word) => targetOf(context.api, word))
  let end: Exit = 'ok'
  for (const [turn, { api, id }] of targets.entries()) {
    const exit = await act({ ...context, api }, id, turn).catch((error: unknown) => {
      if (!(error instanceof CommandError) || targets.length === 1) throw error
      const named = new CommandError(error.exit, `task ${id}: ${error.message}`, error.problem)
      if (error.exit === 'unreachable') throw named
      context.fail(named)
      return error.exit
    })
    if (end === 'ok') end = exit
  }
  return end
}
