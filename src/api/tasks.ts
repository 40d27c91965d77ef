// The routes of tasks: create, read, list and delete.
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { type Created, type CreatedTask, locationOf, NOT_ENDED } from '../core/task.ts'
import { parseDuration } from '../core/units.ts'
import type { FullView } from '../core/view.ts'
import { create } from '../lifecycle/create.ts'
import { remove } from '../lifecycle/remove.ts'
import { submit } from '../lifecycle/submit.ts'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import { bodyOf } from './body.ts'
import { requestKeyOf } from './idempotency.ts'
import { listQueryOf, type Parameters, pathOf } from './parameters.ts'
import { preferencesOf } from './preferences.ts'
import { endedTaskText, fullListText, fullTaskText, listText, locationsText, taskText } from './render.ts'
import { readBatch, readTask } from './submission.ts'

/** POST /tasks */
export async function createTask(api: ApiContext, ctx: Context): Promise<void> {
  const body = bodyOf(ctx)
  const task = readTask(body, api.services)
  const key = requestKeyOf(ctx, body)
  const calledBack = api.services.get(task.service)?.callback !== undefined
  if (key !== undefined || task.options !== undefined || calledBack)
    return answerOne(api, ctx, await create(api, [task], key))
  return sendCreated(api, ctx, { ...(await submit(api, task)), status: 'pending', existing: false })
}

/** POST /tasks/batch */
export async function createBatch(api: ApiContext, ctx: Context): Promise<void> {
  const body = bodyOf(ctx)
  const tasks = readBatch(body, api.services)
  const created = await create(api, tasks, requestKeyOf(ctx, body))
  if (created.replayed) ctx.set('Idempotency-Replayed', 'true')
  sendJson(ctx, 201, locationsText(created.tasks))
}

/** Answers with the one task that a POST has created or found. */
export async function answerOne(api: ApiContext, ctx: Context, { tasks: [task], replayed }: Created): Promise<void> {
  if (task === undefined) throw new Error('nothing was created')
  if (replayed) ctx.set('Idempotency-Replayed', 'true')
  return sendCreated(api, ctx, task)
}

/** 302 to the task, or with `return=representation` the task itself: 201, or 200 where it had been there. */
async function sendCreated(api: ApiContext, ctx: Context, task: CreatedTask): Promise<void> {
  const { representation, wait } = preferencesOf(ctx)
  if (representation) ctx.append('Preference-Applied', 'return=representation')
  if (task.existing) ctx.set('Task-Existing', 'true')
  ctx.res.setHeader('Location', locationOf(task.id))
  const status = representation ? (task.existing ? 200 : 201) : 302
  if (wait === undefined) return sendJson(ctx, status, taskText(task))
  const seconds = waitIn(ctx)
  // The task has been created, also where Postgres has gone away since.
  const now = await api.store
    .get(task.id)
    .then((seen) => ended(api, ctx, seen, seconds))
    .catch((error: unknown) => {
      if (error instanceof Refusal) return undefined
      throw error
    })
  sendJson(ctx, status, now ? endedTaskText(now) : taskText(task))
}

/** GET /tasks/:id */
export async function readOneTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const seconds = parameters.has('wait') ? (parseDuration(parameters.get('wait') ?? '') ?? 0) / 1000 : waitIn(ctx)
  const task = await ended(api, ctx, await api.store.get(idOf(ctx)), seconds)
  if (task === undefined) throw noSuchTask()
  sendJson(ctx, 200, parameters.has('view') ? fullTaskText(task, api.services) : endedTaskText(task))
}

/** The wait that a caller prefers, s; the answer says that it was heard. */
function waitIn(ctx: Context): number {
  const { wait } = preferencesOf(ctx)
  if (wait !== undefined) ctx.append('Preference-Applied', `wait=${wait}`)
  return wait ?? 0
}

/** Waits for the end of a task, at most so long. The task as it is then; undefined: it is gone. */
async function ended(
  api: ApiContext,
  ctx: Context,
  task: FullView | undefined,
  seconds: number,
): Promise<FullView | undefined> {
  if (!task || seconds === 0 || isEnded(task)) return task
  const seen = await api.watches.watch(task.id, 'end', seconds * 1000, goneOf(ctx))
  return seen === 'gone' ? undefined : api.store.get(task.id)
}

const isEnded = ({ status }: Pick<FullView, 'status'>): boolean => !NOT_ENDED.includes(status)

/** GET /tasks */
export async function listTasks(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const query = listQueryOf(parameters)
  const { tasks, next } = await api.store.list(query)
  if (next !== undefined)
    ctx.set('Link', `<${pathOf('/tasks', parameters, { limit: String(query.limit), before: next })}>; rel="next"`)
  sendJson(ctx, 200, query.full ? fullListText(tasks as FullView[], api.services) : listText(tasks))
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

/** Aborts when the caller has gone, or has his answer. */
export function goneOf({ res }: Context): AbortSignal {
  const gone = new AbortController()
  res.once('close', () => gone.abort())
  if (res.closed || res.destroyed) gone.abort()
  return gone.signal
}
