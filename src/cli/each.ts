// The commands that take several IDs.
import { targetOf } from './address.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'

/**
 * Does the same for each ID, one after the other. Nothing is sent when one of them cannot be an id. What fails is told, and
 * the others are done all the same, unless the API cannot be reached. The exit is the first that is not `ok`.
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
