// The commands that tell more of a task: why it does not run, and its tries.
import { call, objectOf } from './api.ts'
import type { Context } from './context.ts'
import { CommandError, type Exit } from './exits.ts'
import { elementsOf, oneLine, visible } from './text.ts'

export async function explain(context: Context, id: string): Promise<Exit> {
  const { text } = await call(context.api, { method: 'GET', path: `/tasks/${id}/explain`, expect: [200] })
  if (context.json) {
    context.print(oneLine(text))
    return 'ok'
  }
  const { state, reasons } = objectOf(text)
  for (const reason of Array.isArray(reasons) ? reasons : []) {
    const { code, detail, until } = reason as Record<string, unknown>
    const end = typeof until === 'string' ? ` (until ${until})` : ''
    const why = code === state ? '' : `${String(code)}: `
    context.print(visible(`task ${id} ${String(state)}: ${why}${String(detail)}${end}`))
  }
  return 'ok'
}

export async function attempts(context: Context, id: string): Promise<Exit> {
  for (let path: string | undefined = `/tasks/${id}/attempts?limit=1000`; path !== undefined;) {
    const reply = await call(context.api, { method: 'GET', path, expect: [200] })
    const tries = elementsOf(reply.text)
    if (tries === undefined) throw new CommandError('unreachable', `${context.api.url} did not answer with a list`)
    for (const one of tries) context.print(context.json ? oneLine(one) : visible(lineOf(objectOf(one))))
    path = /<([^>]+)>; *rel="?next/.exec(reply.header('link') ?? '')?.[1]
  }
  return 'ok'
}

function lineOf({
  startedAt,
  step,
  attempt,
  outcome,
  ms,
  node,
  detail,
  waitMs,
}: Readonly<Record<string, unknown>>): string {
  const wait = typeof waitMs === 'number' ? `  next after ${Math.round(waitMs)} ms` : ''
  const why = typeof detail === 'string' ? `  ${detail}` : ''
  return `${String(startedAt)}  step ${String(step)}  try ${String(attempt)}  ${String(outcome)}  ${String(ms)} ms  ${String(node)}${why}${wait}`
}
