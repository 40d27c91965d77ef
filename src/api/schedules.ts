// The routes of schedules: what is to be made again and again, and when.
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Context } from 'koa'
import { type Bounds, boundsOf } from '../core/key.ts'
import { LIST_LIMIT } from '../core/limits.ts'
import { Refusal } from '../core/refusal.ts'
import { SERVICE_NAME } from '../core/service.ts'
import { create } from '../lifecycle/create.ts'
import { pauseSchedule as pause, putSchedule as put, resumeSchedule as resume } from '../lifecycle/schedule.ts'
import { sendJson, sendLocation } from './answer.ts'
import { bodyOf } from './body.ts'
import { callerOf, mayRead } from './caller.ts'
import { membersIn } from './changes.ts'
import type { ApiContext } from './dependencies.ts'
import { refuseFaults } from './faults.ts'
import { requestKeyOf } from './idempotency.ts'
import { PARAMETERS, type Parameters, pathOf } from './parameters.ts'
import { readSchedule } from './schedule-body.ts'
import { scheduleText } from './schedule-text.ts'
import { answerOne } from './tasks.ts'

/** So many of a list are rendered in one turn of the event loop: each takes a fraction of a millisecond. */
const RENDERED = 20

const noSuchSchedule = (): Refusal => new Refusal('not_found', 'There is no such schedule.')

/** Whether a text can name a schedule. A client would take `.` and `..` for parts of the path. */
const isName = (text: string): boolean => SERVICE_NAME.test(text) && text !== '.' && text !== '..'

/** The name in the path. Throws a `Refusal` where no schedule can have it. */
function nameOf(ctx: Context): string {
  const name = String(ctx.params.name)
  if (!isName(name)) throw noSuchSchedule()
  return name
}

/** The schedules that a caller may see and change. */
const boundsIn = (ctx: Context): Bounds | undefined => boundsOf(callerOf(ctx))

/** PUT /schedules/:name */
export async function putSchedule(api: ApiContext, ctx: Context): Promise<void> {
  const name = String(ctx.params.name)
  if (!isName(name)) {
    const detail = `The name of a schedule must be ${PARAMETERS.schedule.expected}.`
    throw refuseFaults('invalid_schedule', [{ parameter: 'name', detail }])
  }
  const caller = callerOf(ctx)
  const schedule = readSchedule(name, bodyOf(ctx), { services: api.services, caller })
  const created = await put(api, schedule, { caller: caller.name, bounds: boundsOf(caller) })
  if (created === undefined) throw new Refusal('not_allowed', 'The key is not for the schedule of this name.')
  api.supervision.scheduled()
  if (created) ctx.res.setHeader('Location', `/schedules/${name}`)
  return sendChanged(api, ctx, name, created ? 201 : 200)
}

/** Answers with the schedule as it now is. The change has been made, also where Postgres has gone away since. */
async function sendChanged(api: ApiContext, ctx: Context, name: string, status: number): Promise<void> {
  if (!mayRead(ctx)) return sendLocation(ctx, status, `/schedules/${name}`)
  try {
    await sendOne(api, ctx, name, status)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'unavailable') throw error
    throw new Refusal('outcome_unknown', 'The schedule was changed, but cannot be read now.')
  }
}

async function sendOne(api: ApiContext, ctx: Context, name: string, status = 200): Promise<void> {
  const found = await api.store.schedules.read(name, boundsIn(ctx))
  if (!found) throw noSuchSchedule()
  sendJson(ctx, status, scheduleText(found))
}

/** GET /schedules/:name */
export const showSchedule = async (api: ApiContext, ctx: Context): Promise<void> => sendOne(api, ctx, nameOf(ctx))

/** GET /schedules */
export async function listSchedules(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const limit = Number(parameters.get('limit') ?? LIST_LIMIT.max)
  const { schedules, more } = await api.store.schedules.list(parameters.get('afterName') ?? '', limit, boundsIn(ctx))
  const last = schedules.at(-1)?.schedule.name
  if (more && last !== undefined) {
    const next = pathOf('/schedules', parameters, { limit: String(limit), afterName: last })
    ctx.set('Link', `<${next}>; rel="next"`)
  }
  const texts: string[] = []
  for (const one of schedules) {
    if (texts.length % RENDERED === RENDERED - 1) await nextTurn()
    texts.push(scheduleText(one))
  }
  sendJson(ctx, 200, `[${texts.join(',')}]`)
}

/** DELETE /schedules/:name */
export async function deleteSchedule(api: ApiContext, ctx: Context): Promise<void> {
  if (!(await api.store.schedules.remove(nameOf(ctx), boundsIn(ctx)))) throw noSuchSchedule()
  ctx.status = 204
}

/** POST /schedules/:name/run */
export async function runSchedule(api: ApiContext, ctx: Context): Promise<void> {
  const name = nameOf(ctx)
  const body = bodyOf(ctx)
  const faults = body.length === 0 ? [] : membersIn(body, [], 'invalid_schedule').faults
  if (faults.length > 0) throw refuseFaults('invalid_schedule', faults)
  const key = requestKeyOf(ctx, body)
  const found = await api.store.schedules.read(name, boundsIn(ctx))
  if (!found && key === undefined) throw noSuchSchedule()
  if (found?.schedule.cannotDecrypt)
    throw new Refusal('unavailable', 'The payload of the schedule cannot be decrypted by this node.')
  // A repeat is answered as the first, also where the schedule was deleted since. For a first POST there must be a schedule: no schedule
  // has an empty name.
  const task = found?.schedule.task ?? { service: '', action: '', payload: '{}', schedule: '' }
  await api.quotas.admit(callerOf(ctx), 1)
  return answerOne(api, ctx, await create(api, [task], key, callerOf(ctx)))
}

/** POST /schedules/:name/pause */
export async function pauseSchedule(api: ApiContext, ctx: Context): Promise<void> {
  const name = nameOf(ctx)
  if (!(await pause(api, name, boundsIn(ctx)))) throw noSuchSchedule()
  return sendChanged(api, ctx, name, 200)
}

/** POST /schedules/:name/resume */
export async function resumeSchedule(api: ApiContext, ctx: Context): Promise<void> {
  const name = nameOf(ctx)
  if (!(await resume(api, name, boundsIn(ctx)))) throw noSuchSchedule()
  api.supervision.scheduled()
  return sendChanged(api, ctx, name, 200)
}
