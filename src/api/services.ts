// The routes of services: what holds for each at run time, and how its tasks are doing.
import type { Context } from 'koa'
import { isFor } from '../core/key.ts'
import { faultsOfLimit, type Limit } from '../core/limit.ts'
import { type Fault, Refusal } from '../core/refusal.ts'
import { SERVICE_NAME, shownUrl } from '../core/service.ts'
import { MOST_COUNTED, type ServiceView } from '../store/services.ts'
import { sendJson, sendLocation } from './answer.ts'
import { bodyOf } from './body.ts'
import { callerOf, mayRead } from './caller.ts'
import { membersIn } from './changes.ts'
import type { ApiContext } from './dependencies.ts'
import { pointerTo, refuseFaults } from './faults.ts'
import { isText } from './options.ts'

/** Who changes a service where there are no keys. */
const CALLER = 'api'
/** The longest reason of a pause, in characters. */
export const MAX_REASON = 1_000

/** GET /services */
export async function listServices(api: ApiContext, ctx: Context): Promise<void> {
  const found = await api.store.services([...api.services.keys()], true)
  const caller = callerOf(ctx)
  const theirs = found.filter(({ name }) => isFor(caller, name))
  sendJson(ctx, 200, JSON.stringify(theirs.map((one) => shown(api, one))))
}

/** GET /services/:name */
export async function showService(api: ApiContext, ctx: Context): Promise<void> {
  sendJson(ctx, 200, JSON.stringify(shown(api, await known(api, ctx))))
}

/** POST /services/:name/pause */
export async function pauseService(api: ApiContext, ctx: Context): Promise<void> {
  const reason = reasonIn(bodyOf(ctx))
  return change(api, ctx, (name) => api.store.states.pause(name, callerOf(ctx).name ?? CALLER, reason))
}

/** POST /services/:name/resume */
export const resumeService = (api: ApiContext, ctx: Context): Promise<void> =>
  change(api, ctx, (name) => api.store.states.resume(name))

/** PATCH /services/:name */
export async function changeService(api: ApiContext, ctx: Context): Promise<void> {
  const limit = limitIn(bodyOf(ctx))
  return change(api, ctx, (name) => api.store.states.limit(name, limit))
}

/** POST /services/reload: the file is about all services. */
export async function reloadServices(api: ApiContext, ctx: Context): Promise<void> {
  if (callerOf(ctx).key?.services !== undefined)
    throw new Refusal('not_allowed', 'The key is for some services only, and the file is about all of them.')
  sendJson(ctx, 200, JSON.stringify(await api.reload()))
}

/** Changes a service, tells the nodes, and answers with the service as it now is. */
async function change(api: ApiContext, ctx: Context, changed: (name: string) => Promise<string[]>): Promise<void> {
  const { name } = await known(api, ctx)
  api.supervision.serviceChanged(await changed(name))
  if (!mayRead(ctx)) return sendLocation(ctx, 200, `/services/${name}`)
  try {
    await showService(api, ctx)
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'unavailable') throw error
    throw new Refusal('outcome_unknown', 'The service was changed, but cannot be read now.')
  }
}

/** The service that the path names. Throws a `Refusal` where neither this node nor another live one knows it. */
async function known(api: ApiContext, ctx: Context): Promise<ServiceView> {
  const name = String(ctx.params.name)
  if (!isFor(callerOf(ctx), name)) throw new Refusal('not_allowed', 'The key is not for this service.')
  const [found] = SERVICE_NAME.test(name) ? await api.store.services([name], false) : []
  if (!found || (!api.services.has(name) && found.nodes.length === 0))
    throw new Refusal('not_found', 'Neither this node nor another live one knows such a service.')
  return found
}

function shown({ services }: ApiContext, view: ServiceView): object {
  const {
    name,
    pausedAt,
    pausedBy,
    reason,
    gatedUntil,
    running,
    waiting,
    delayed,
    retrying,
    oldestMs,
    complete,
    failed,
  } = view
  const service = services.get(name)
  const limit = view.limit ?? service?.limit
  return {
    name,
    url: service ? shownUrl(service) : null,
    paused: pausedAt === null ? null : { since: pausedAt, by: pausedBy, reason },
    gatedUntil,
    concurrency: service?.concurrency ?? null,
    limit: limit ? { concurrency: limit.concurrency, rate: limit.rate, burst: limit.burst } : null,
    rate: limit?.rate ?? null,
    running: capped(running),
    waiting: capped(waiting),
    delayed: capped(delayed),
    retrying: capped(retrying),
    oldestSeconds: oldestMs === null ? null : Math.floor(oldestMs / 1000),
    lastHour: { complete, failed },
    nodes: view.nodes,
  }
}

const capped = (count: number): number | string => (count > MOST_COUNTED ? `${MOST_COUNTED}+` : count)

/** The reason that the body of a pause gives; null: none. Throws a `Refusal`. */
function reasonIn(body: Buffer): string | null {
  if (body.length === 0) return null
  const { given, faults } = membersIn(body, ['reason'], 'invalid_service')
  const json = given.get('reason')
  const reason: unknown = json === undefined ? null : JSON.parse(json)
  if (json !== undefined && !isText(reason, 0, MAX_REASON))
    faults.push({ pointer: '/reason', detail: `\`reason\` must be a string of at most ${MAX_REASON} characters.` })
  if (faults.length > 0) throw refuseFaults('invalid_service', faults)
  return reason as string | null
}

/** The limit that a body sets; null: that of the file. Throws a `Refusal`. */
function limitIn(body: Buffer): Limit | null {
  const { given, faults } = membersIn(body, ['limit'], 'invalid_service')
  const json = given.get('limit')
  const limit: unknown = json === undefined ? null : JSON.parse(json)
  if (json === undefined) faults.push({ pointer: '', detail: 'There must be `limit`.' })
  else if (limit !== null) faults.push(...faultsOfLimit(limit).map(faultOf))
  if (faults.length > 0) throw refuseFaults('invalid_service', faults)
  return limit as Limit | null
}

const faultOf = ({ member, expected }: ReturnType<typeof faultsOfLimit>[number]): Fault =>
  member === ''
    ? { pointer: '/limit', detail: `\`limit\` must be null, or have ${expected}.` }
    : { pointer: `/limit${pointerTo(member)}`, detail: `\`${member.slice(0, 50)}\` of \`limit\` must be ${expected}.` }
