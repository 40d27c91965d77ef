// The traces of POSTs: what they name is kept with their tasks, and where somebody wants spans each new task has one.
import type { Context } from 'koa'
import type { NewTask, Submitted } from '../core/task.ts'
import { traceOf } from '../core/trace.ts'
import type { ApiContext } from './dependencies.ts'

/** A task with the trace that its POST names. What comes twice is malformed. */
export function traced({ req: { headers } }: Context, tasks: readonly NewTask[]): readonly NewTask[] {
  const { traceparent, tracestate } = headers
  if (traceparent === undefined) return tasks
  const trace = traceOf(oneOf(traceparent), oneOf(tracestate))
  return trace === undefined ? tasks : tasks.map((task) => ({ ...task, trace }))
}

const oneOf = (field: string | string[] | undefined): string | undefined =>
  Array.isArray(field) ? field.join(',') : field

/** Tells of tasks that a POST has created; `begun`: when it began, ms since 1970. */
export function tellSubmitted(
  { tracing }: ApiContext,
  begun: number,
  asked: readonly NewTask[],
  {
    tasks,
    replayed,
  }: { readonly tasks: readonly (Submitted & { readonly existing?: boolean })[]; readonly replayed: boolean },
): void {
  if (!tracing || replayed) return
  for (const [place, { id, service, action, key, existing }] of tasks.entries())
    if (key !== undefined && existing !== true)
      tracing.submitted({ id, service, action, key, trace: asked[place]?.trace ?? null }, begun)
}
