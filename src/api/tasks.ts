// The routes of tasks: create, read, list and delete.
import type { Context } from 'koa'
import { Refusal } from '../core/refusal.ts'
import { locationOf } from '../core/task.ts'
import { sendJson } from './answer.ts'
import type { ApiContext } from './dependencies.ts'
import { bodyOf } from './body.ts'
import { listQueryOf, nextPageOf, type Parameters } from './parameters.ts'
import { endedTaskText, fullTaskText, listText, taskText } from './render.ts'
import { readTask } from './submission.ts'

/** POST /tasks */
export async function createTask(api: ApiContext, ctx: Context): Promise<void> {
  const task = await api.submit(readTask(bodyOf(ctx), api.services))
  const represented = prefersRepresentation(ctx.get('Prefer'))
  if (represented) ctx.set('Preference-Applied', 'return=representation')
  ctx.res.setHeader('Location', locationOf(task.id))
  sendJson(ctx, represented ? 201 : 302, taskText({ ...task, status: 'pending' }))
}

/** GET /tasks/:id */
export async function readOneTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const task = await api.store.get(idOf(ctx))
  if (task === undefined) throw noSuchTask()
  sendJson(ctx, 200, parameters.has('view') ? fullTaskText(task) : endedTaskText(task))
}

/** GET /tasks */
export async function listTasks(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const query = listQueryOf(parameters)
  const { tasks, next } = await api.store.list(query)
  if (next !== undefined) ctx.set('Link', `<${nextPageOf(query, next)}>; rel="next"`)
  sendJson(ctx, 200, listText(tasks))
}

/** DELETE /tasks/:id */
export async function deleteTask(api: ApiContext, ctx: Context): Promise<void> {
  if (!(await api.cancel(idOf(ctx)))) throw noSuchTask()
  ctx.status = 204
}

/** The refusal for a task that does not exist. */
export const noSuchTask = (): Refusal => new Refusal('not_found', 'There is no such task.')

/** Whether a `Prefer` header (RFC 7240) asks for the task in the answer. The first `return` preference counts. */
function prefersRepresentation(prefer: string): boolean {
  if (prefer === '') return false
  const wishes = prefer.split(',').map((wish) =>
    wish
      .split(';', 1)[0]
      ?.replaceAll(/[ \t"]/g, '')
      .toLowerCase(),
  )
  return wishes.find((wish) => wish?.startsWith('return=')) === 'return=representation'
}

const idOf = (ctx: Context): string => String(ctx.params.id)
