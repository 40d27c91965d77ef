// The routes that change a task: cancel it, retry it, put it off.
import type { Context } from 'koa'
import { boundsOf } from '../core/key.ts'
import { type Schema, wholeSchema } from '../core/json-schema.ts'
import { type Fault, Refusal, type RefusalCode, REFUSALS } from '../core/refusal.ts'
import { locationOf } from '../core/task.ts'
import { cancel } from '../lifecycle/cancel.ts'
import { change as changeOf } from '../lifecycle/change.ts'
import { retryTask as retryOf } from '../lifecycle/retry-task.ts'
import type { Change } from '../store/changes.ts'
import type { From } from '../store/retries.ts'
import type { ApiContext } from './dependencies.ts'
import { bodyOf } from './body.ts'
import { sendLocation } from './answer.ts'
import { callerOf, mayRead } from './caller.ts'
import { pointerTo, refuseFaults } from './faults.ts'
import { requestKeyOf } from './idempotency.ts'
import { readOption } from './options.ts'
import type { Parameters } from './parameters.ts'
import { readMembers } from './submission.ts'
import { answerOne, ending, idOf, noSuchTask, readOneTask } from './tasks.ts'

/** POST /tasks/:id/cancel */
export async function cancelTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const outcome = await cancel(ending(api), idOf(ctx))
  if (outcome === 'absent') throw noSuchTask()
  if (outcome === 'ended') throw new Refusal('already_ended', REFUSALS.already_ended.meaning)
  return sendChanged(api, ctx, parameters)
}

/** Answers with the task as it now is. The change has been made, also where Postgres has gone away since. */
async function sendChanged(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  if (!mayRead(ctx)) return sendLocation(ctx, 200, locationOf(idOf(ctx)))
  try {
    await readOneTask(api, ctx, parameters)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'unavailable') throw error
    throw new Refusal('outcome_unknown', 'The task was changed, but cannot be read now.')
  }
}

/** PATCH /tasks/:id */
export async function changeTask(api: ApiContext, ctx: Context, parameters: Parameters): Promise<void> {
  const { given, faults } = membersIn(bodyOf(ctx), ['delay', 'runAt', 'priority'])
  const change: Record<string, unknown> = { id: idOf(ctx) }
  const by = { services: api.services, caller: callerOf(ctx) }
  for (const name of ['delay', 'runAt', 'priority'] as const) {
    const json = given.get(name)
    if (json !== undefined) change[name] = readOption(name, json, `/${name}`, by, faults)
  }
  if (given.has('delay') && given.has('runAt'))
    faults.push({ pointer: '/runAt', detail: 'Only one of `delay` and `runAt` may be given.' })
  if (given.size === 0) faults.push({ pointer: '', detail: 'There must be one of `delay`, `runAt` and `priority`.' })
  if (faults.length > 0) throw refuseFaults('invalid_task', faults)
  const outcome = await changeOf(api, change as unknown as Change)
  if (outcome === 'absent') throw noSuchTask()
  if (outcome === 'busy') throw new Refusal('not_waiting', REFUSALS.not_waiting.meaning)
  return sendChanged(api, ctx, parameters)
}

/** POST /tasks/:id/retry */
export async function retryTask(api: ApiContext, ctx: Context): Promise<void> {
  const body = bodyOf(ctx)
  const { given, faults } =
    body.length === 0 ? { given: new Map<string, string>(), faults: [] } : membersIn(body, ['from', 'payload', 'delay'])
  const caller = callerOf(ctx)
  const from = fromOf(given.get('from'), faults)
  const delay = given.get('delay')
  const wait =
    delay === undefined ? 0 : readOption('delay', delay, '/delay', { services: api.services, caller }, faults)
  if (faults.length > 0) throw refuseFaults('invalid_task', faults)
  const asked = {
    id: idOf(ctx),
    from,
    payload: given.get('payload'),
    delay: Number(wait),
    key: requestKeyOf(ctx, body),
    caller: caller.name,
    bounds: boundsOf(caller),
  }
  await api.quotas.admit(callerOf(ctx), 1)
  return answerOne(api, ctx, await retryOf(api, asked))
}

/** What `fromOf` accepts. */
export const FROM_SCHEMA: Schema = { oneOf: [{ enum: ['failure', 'start'] }, wholeSchema(0, 2 ** 31 - 1)] }

function fromOf(json: string | undefined, faults: Fault[]): From {
  if (json === undefined) return 'default'
  const value: unknown = JSON.parse(json)
  if (value === 'failure' || value === 'start') return value
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value
  faults.push({ pointer: '/from', detail: '`from` must be "failure", "start", or the number of a step.' })
  return 'default'
}

/** The JSON text of each member of a body, and the faults: other members than these. Throws a `Refusal` for what is no object. */
export function membersIn(
  body: Buffer,
  known: readonly string[],
  code: RefusalCode = 'invalid_task',
): { given: Map<string, string>; faults: Fault[] } {
  const given = new Map<string, string>()
  const faults: Fault[] = []
  for (const { name, start, end } of readMembers(body, code)) {
    const detail = !known.includes(name)
      ? 'There is no such member here.'
      : given.has(name)
        ? `\`${name}\` is given twice.`
        : undefined
    if (detail === undefined) given.set(name, body.toString('utf8', start, end))
    else if (!faults.some((fault) => 'pointer' in fault && fault.pointer === pointerTo(name)))
      faults.push({ pointer: pointerTo(name), detail })
  }
  return { given, faults }
}
