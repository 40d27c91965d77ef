// The routes of tasks: create, read, list and delete.
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { type Created, type CreatedTask, locationOf, type NewTask, NOT_ENDED } from '../core/task.ts'
import { parseDuration } from '../core/units.ts'
import { type FullView, viewOf } from '../core/view.ts'
import { create } from '../lifecycle/create.ts'
import { remove } from '../lifecycle/remove.ts'
import { submit, submitAll } from '../lifecycle/submit.ts'
import { sendJson, sendLocation } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import { bodyOf } from './body.ts'
import { callerOf, mayRead } from './caller.ts'
import { requestKeyOf } from './idempotency.ts'
import { listQueryOf, withinBounds } from './filters.ts'
import { type Parameters, pathOf } from './parameters.ts'
import { preferencesOf } from './preferences.ts'
import { endedTaskText, locationsText, pageText, shownTaskText, taskText } from './render.ts'
import { readBatch, readTask } from './submission.ts'
import { tellSubmitted, traced } from './tracing.ts'

/** POST /tasks */
export async function createTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const body = bodyOf(ctx)
  const begun = Date.now()
  const caller = callerOf(ctx)
  const tasks = traced(ctx, [readTask(body, { services: api.services, caller })])
  const [task] = tasks as [NewTask]
  const key = requestKeyOf(ctx, body)
  await api.quotas.admit(caller, 1)
  const created =
    key !== undefined || !isPlain(api, task)
      ? await create(api, tasks, key, caller)
      : {
          tasks: [{ ...(await submit(api, task, caller.name)), status: 'pending', existing: false } as const],
          replayed: false,
        }
  tellSubmitted(api, begun, tasks, created)
  return answerOne(api, ctx, created, parameters)
}

/** POST /tasks/batch */
export async function createBatch(api: ApiContext, ctx: Context): Promise<void> {
  const body = bodyOf(ctx)
  const begun = Date.now()
  const caller = callerOf(ctx)
  const tasks = traced(ctx, readBatch(body, { services: api.services, caller }))
  const key = requestKeyOf(ctx, body)
  await api.quotas.admit(caller, tasks.length)
  if (key === undefined && tasks.every((task) => isPlain(api, task))) {
    const submitted = await submitAll(api, tasks, caller.name)
    tellSubmitted(api, begun, tasks, { tasks: submitted, replayed: false })
    return sendJson(ctx, 201, locationsText(submitted))
  }
  const created = await create(api, tasks, key, caller)
  tellSubmitted(api, begun, tasks, created)
  if (created.replayed) ctx.set('Idempotency-Replayed', 'true')
  sendJson(ctx, 201, locationsText(created.tasks))
}

/** Whether a task is neither found nor called back, is due at once, and begins a trace. */
const isPlain = (api: ApiContext, { service, options, trace }: NewTask): boolean =>
  options === undefined && trace === undefined && api.services.get(service)?.callback === undefined

/**
 * Answers with the one task that a POST has created or found: 302 to that task, or with `return=representation` the task itself, as
 * 201, or as 200 where it had been there. Refuses where the task was deleted while the answer waited for its end. Who may not read waits
 * for nothing, and is told the location alone: the task may be another's, or hold what another has sent.
 */
export async function answerOne(
  api: ApiContext,
  ctx: Context,
  { tasks: [task], replayed }: Created,
  parameters?: Parameters,
): Promise<void> {
  if (task === undefined) throw new Error('nothing was created')
  const { representation } = preferencesOf(ctx)
  if (representation) ctx.append('Preference-Applied', 'return=representation')
  const reads = mayRead(ctx)
  const ms = reads ? waitOf(ctx, parameters) : 0
  const text = ms === 0 ? taskText(task) : await textAfter(api, ctx, task, ms, replayed)
  if (replayed) ctx.set('Idempotency-Replayed', 'true')
  if (task.existing) ctx.set('Task-Existing', 'true')
  ctx.res.setHeader('Location', locationOf(task.id))
  const status = representation ? (task.existing ? 200 : 201) : 302
  if (reads) sendJson(ctx, status, text)
  else sendLocation(ctx, status, locationOf(task.id))
}

/** The task once it has ended, or as it is after so many ms. Where Postgres has gone away since, it is as it was created. */
async function textAfter(
  api: ApiContext,
  ctx: Context,
  task: CreatedTask,
  ms: number,
  replayed: boolean,
): Promise<string> {
  try {
    const seen = await api.store.get(task.id)
    // A repeat is answered as the first POST was, also when the task has been deleted since.
    if (!seen && replayed) return taskText(task)
    const now = await ended(api, ctx, seen, ms)
    if (now) return endedTaskText(now)
  } catch (error) {
    if (error instanceof Refusal) return taskText(task)
    throw error
  }
  throw noSuchTask()
}

/** GET /tasks/:id */
export async function readOneTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const ms = waitOf(ctx, parameters)
  const task = await ended(api, ctx, await api.store.get(idOf(ctx)), ms)
  if (task === undefined) throw noSuchTask()
  sendJson(ctx, 200, shownTaskText(task, viewOf(parameters.get('view')), api.services))
}

/** How long the answer waits for the end of a task, ms: `?wait`, else what the caller prefers, and then the answer says so. */
function waitOf(ctx: Context, parameters?: Parameters): number {
  const asked = parameters?.get('wait')
  if (asked !== undefined) return parseDuration(asked) ?? 0
  const { wait } = preferencesOf(ctx)
  if (wait !== undefined) ctx.append('Preference-Applied', `wait=${wait}`)
  return (wait ?? 0) * 1000
}

/** Waits for the end of a task, at most so many ms. The task as it is then; undefined: it is gone. */
async function ended(
  api: ApiContext,
  ctx: Context,
  task: FullView | undefined,
  ms: number,
): Promise<FullView | undefined> {
  if (!task || ms === 0 || isEnded(task)) return task
  await api.watches.watch(task.id, callerOf(ctx).name, 'end', ms, goneOf(ctx))
  // Also where it seemed to be gone: only this read is certain of that.
  return api.store.get(task.id)
}

const isEnded = ({ status }: Pick<FullView, 'status'>): boolean => !NOT_ENDED.includes(status)

/** GET /tasks */
export async function listTasks(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const query = withinBounds(callerOf(ctx), listQueryOf(parameters))
  const page = await api.store.list(query)
  const { next } = page
  if (next !== undefined)
    ctx.set('Link', `<${pathOf('/tasks', parameters, { limit: String(query.limit), before: next })}>; rel="next"`)
  sendJson(ctx, 200, pageText(page, query.view, api.services))
}

/** DELETE /tasks/:id */
export async function deleteTask(api: ApiContext, ctx: Context): Promise<void> {
  if (!(await remove(ending(api), idOf(ctx)))) throw noSuchTask()
  ctx.status = 204
}

/** What the verbs need that end a task: this node hears of it at once. */
export const ending = (api: ApiContext): ApiContext & { deleted: (id: string) => void } => ({
  ...api,
  deleted: (id) => api.supervision.deleted(id),
})

/** The refusal for a task that does not exist. */
export const noSuchTask = (): Refusal => new Refusal('not_found', 'There is no such task.')

/** The id that the path names. */
export const idOf = (ctx: Context): string => String(ctx.params.id)

/**
 * Aborts when the caller has gone, or has his answer. Who has closed only his half cannot be told from who has gone, until something
 * is written: he is answered at once.
 */
export function goneOf({ req: { socket }, res }: Context): AbortSignal {
  const gone = new AbortController()
  const abort = (): void => gone.abort()
  // One connection may bring many requests before the first is answered.
  socket.setMaxListeners(0).once('end', abort)
  res.once('close', () => {
    socket.off('end', abort)
    abort()
  })
  if (res.closed || res.destroyed || socket.readableEnded) abort()
  return gone.signal
}
