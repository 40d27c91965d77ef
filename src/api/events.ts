// The events of a task: its full view now and whenever it has changed, as a stream of server-sent events.
import { Readable } from 'node:stream'
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import type { FullView } from '../core/view.ts'
import { callerOf } from './caller.ts'
import type { ApiContext } from './dependencies.ts'
import { isStillIn } from './door.ts'
import type { Parameters } from './parameters.ts'
import { fullTaskText } from './render.ts'
import { goneOf, idOf, noSuchTask } from './tasks.ts'

/** How often a comment shows that the stream is alive, ms. */
const COMMENT_MS = 15_000

/** GET /tasks/:id/events */
export async function streamEvents(api: ApiContext, ctx: Context, _parameters: Parameters): Promise<void> {
  const id = idOf(ctx)
  const gone = goneOf(ctx)
  const [seen] = await api.store.versions([id])
  const task = seen && (await api.store.get(id))
  if (!task) throw noSuchTask()
  // A client that comes back after the end has nothing more to hear: with 204 it stops.
  if (seen.ended && ctx.get('Last-Event-ID') !== '') {
    ctx.status = 204
    return
  }
  ctx.set('Content-Type', 'text/event-stream')
  // nginx would keep events back.
  ctx.set('X-Accel-Buffering', 'no')
  ctx.body = Readable.from(eventsOf(api, ctx, task, seen.version, gone))
}

async function* eventsOf(
  api: ApiContext,
  ctx: Context,
  first: FullView,
  since: string,
  gone: AbortSignal,
): AsyncGenerator<string> {
  const { name: caller } = callerOf(ctx)
  let task: FullView | undefined = first
  let version = since
  let told = ''
  for (;;) {
    // A change may show nothing new, or was in the view of the change before.
    const text = fullTaskText(task, api.services)
    if (text !== told) yield eventText('task', version, text)
    told = text
    const { id, status }: FullView = task
    if (status === 'complete' || status === 'failed')
      return yield eventText('ended', version, JSON.stringify({ location: `/tasks/${id}`, status }))
    let seen
    do {
      seen = await api.watches.watch(id, caller, { otherThan: version }, COMMENT_MS, gone)
      if (seen === undefined && (gone.aborted || !api.watches.isOpen(caller))) return
      if (!isStillIn(api, ctx)) return
      if (seen === undefined) yield ':\n\n'
    } while (seen === undefined)
    try {
      // Also where it seemed to be gone: only this read is certain of that.
      task = await api.store.get(id)
    } catch (error) {
      // Postgres is away: the stream ends, and the client comes back.
      if (error instanceof Refusal) return
      throw error
    }
    if (!task) return yield eventText('deleted', version, JSON.stringify({ location: `/tasks/${id}` }))
    if (seen !== 'gone') version = seen.version
  }
}

/** One event. A line break in the data begins a new line of it, and is one again for who reads it. */
const eventText = (name: string, id: string, data: string): string =>
  `event: ${name}\nid: ${id}\n${data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}\n`)
    .join('')}\n`
