// The overview: what needs a person first, then how much is done, how long tasks wait, and how each service is doing.
import { read } from '../api.js'
import { countText, durationText, nounText } from '../format.js'
import { html, useMemo } from '../html.js'
import { useLive } from '../live.js'
import { Chart } from '../parts/chart.js'
import { Missing, Status, TasksLink, Time } from '../parts/pieces.js'
import { go, hrefOf } from '../route.js'
import { isLate, readNodes } from './nodes.js'
import { readSchedules, scheduleState } from './schedules.js'
import { Count, FailedCell, stateOf } from './services.js'

const POLL_MS = 5_000
/** GET /failures looks at so many failed tasks. */
const SEEN_FAILURES = 10_000
/** A due task that has waited so long, s, is worth a warning. */
const LONG_WAIT_S = 60

export function Overview({ parameters: { since = '1h' } }) {
  const services = useLive((signal) => read('/services', { signal }), POLL_MS, [])
  const nodes = useLive(readNodes, 2 * POLL_MS, [])
  const ready = useLive(readiness, 2 * POLL_MS, [])
  const stats = useLive(
    (signal) => read('/stats', { parameters: { since }, signal }),
    since === '1h' ? 2 * POLL_MS : 12 * POLL_MS,
    [since],
  )
  const failures = useLive((signal) => read('/failures', { parameters: { since: '24h' }, signal }), 6 * POLL_MS, [])
  const schedules = useLive(readSchedules, 6 * POLL_MS, [])
  const sums = useMemo(() => sumsOf(services.data ?? []), [services.data])
  const minutes = useMemo(() => stats.data && minutesOf(stats.data, since), [stats.data, since])
  return html`<h1>Overview</h1>
    <${Warnings} services=${services} nodes=${nodes} ready=${ready} failures=${failures} schedules=${schedules} />
    <${Missing} data=${services.data} error=${services.error} what="services" />
    ${
      services.data &&
      html`<dl class="tiles">
        <${Tile} name="Waiting" href=${hrefOf('/tasks', { status: 'pending' })}>${sums.waiting}<//>
        <${Tile} name="Running" href=${hrefOf('/tasks', { status: 'running' })}>${sums.running}<//>
        <${Tile} name="Retrying" href=${hrefOf('/tasks', { status: 'running' })} kind=${sums.retrying === '0' ? '' : 'bad'} hint="tasks that wait to repeat a request that failed">${sums.retrying}<//>
        <${Tile} name="Delayed">${sums.delayed}<//>
        <${Tile} name="Complete, 1 h" href=${hrefOf('/tasks', { status: 'complete' })}>${countText(sums.complete)}<//>
        <${Tile} name="Failed, 1 h" href="#/failed?since=1h" kind=${sums.failed > 0 ? 'bad' : ''}>${countText(sums.failed)}<//>
        <${Tile} name="Oldest waits" href=${sums.oldest === null ? undefined : oldestHref({}, sums.oldest)} kind=${sums.oldest > LONG_WAIT_S ? 'bad' : ''}>${sums.oldest === null ? '–' : durationText(sums.oldest * 1000)}<//>
        <${Tile} name="Queue time, p50" hint="how long tasks were due before they began, in the last 5 minutes">${durationText(minutes?.recent.p50)}<//>
        <${Tile} name="Queue time, p95" hint="the highest p95 of a service and minute, in the last 5 minutes">${durationText(minutes?.recent.p95)}<//>
        <${Tile} name="Nodes" href="#/nodes">${nodes.data ? nodes.data.length : '–'}<//>
      </dl>`
    }
    <div class="toggles" role="group" aria-label="Time">
      ${[
        ['1h', '1 hour'],
        ['24h', '24 hours'],
      ].map(
        ([value, text]) =>
          html`<button type="button" class="small toggle" aria-pressed=${since === value} onClick=${() => go('/', { since: value }, { replace: true })}>${text}</button>`,
      )}
    </div>
    <${Missing} data=${stats.data} error=${stats.error} what="statistics" />
    ${
      minutes &&
      html`<div class="charts">
        <${Chart} title=${since === '1h' ? 'Ended tasks a minute' : 'Ended tasks in 15 minutes'} x=${minutes.x} text=${(value) => (value === null ? '–' : countText(value))}
          series=${[
            { label: 'failed', colour: 'failed', bars: true, values: minutes.ended, shown: minutes.failed },
            { label: 'complete', colour: 'complete', bars: true, values: minutes.complete },
          ]} />
        <${Chart} title="Queue time" log x=${minutes.x} text=${durationText}
          series=${[
            { label: 'p95, highest', colour: 'waiting', values: minutes.p95 },
            { label: 'p50', colour: 'running', values: minutes.p50 },
          ]} />
      </div>`
    }
    ${services.data?.length > 0 && html`<${ServiceTable} services=${services.data} />`}`
}

/** What GET /readyz says, also where it says 503. */
async function readiness(signal) {
  return read('/readyz', { signal }).catch((error) => {
    if (error.status === 503) return { status: 'unready' }
    throw error
  })
}

const Tile = ({ name, href, hint, kind = '', children }) =>
  html`<div class=${`tile ${kind}`} title=${hint}><dt>${name}</dt><dd>${href ? html`<a href=${href}>${children}</a>` : children}</dd></div>`

/** Sums over all services. A count that stops at 1,000 makes the sum a lower bound. */
function sumsOf(services) {
  const sum = (name) => {
    const counts = services.map((service) => service[name])
    const whole = counts.reduce((total, count) => total + parseInt(count, 10), 0)
    return `${countText(whole)}${counts.some((count) => typeof count === 'string') ? '+' : ''}`
  }
  const oldest = services.flatMap(({ oldestSeconds }) => oldestSeconds ?? [])
  return {
    waiting: sum('waiting'),
    running: sum('running'),
    retrying: sum('retrying'),
    delayed: sum('delayed'),
    complete: services.reduce((total, { lastHour }) => total + lastHour.complete, 0),
    failed: services.reduce((total, { lastHour }) => total + lastHour.failed, 0),
    oldest: oldest.length > 0 ? Math.max(...oldest) : null,
  }
}

/** The statistics of all services, minute by minute or in quarters of an hour; without gaps. */
function minutesOf(stats, since) {
  const step = since === '1h' ? 60 : 900
  const now = Math.floor(Date.now() / 1000 / step) * step
  const first = now - (since === '1h' ? 3_600 : 86_400) + step
  const x = Array.from({ length: (now - first) / step + 1 }, (_, i) => first + i * step)
  const empty = () => ({ complete: 0, failed: 0, weight: 0, p50: 0, p95: null })
  const slots = x.map(empty)
  const recent = empty()
  for (const { minute, complete, failed, queueMs } of stats) {
    const at = Date.parse(minute) / 1000
    const slot = slots[Math.floor((at - first) / step)]
    for (const one of [slot, at >= Date.now() / 1000 - 360 ? recent : undefined]) {
      if (!one) continue
      one.complete += complete
      one.failed += failed
      if (queueMs.p50 === null) continue
      // A mean of medians, by how many ended: percentiles cannot be added.
      const weight = Math.max(1, complete + failed)
      one.weight += weight
      one.p50 += queueMs.p50 * weight
      one.p95 = Math.max(one.p95 ?? 0, queueMs.p95)
    }
  }
  const p50 = ({ weight, p50: sum }) => (weight > 0 ? Math.max(1, sum / weight) : null)
  return {
    x,
    complete: slots.map((slot) => slot.complete),
    failed: slots.map((slot) => slot.failed),
    ended: slots.map((slot) => slot.complete + slot.failed),
    p50: slots.map(p50),
    p95: slots.map((slot) => (slot.p95 === null ? null : Math.max(1, slot.p95))),
    recent: { p50: p50(recent), p95: recent.p95 },
  }
}

/** The list that has the task which has waited longest at its top, or near it. */
const oldestHref = (filters, seconds) =>
  hrefOf('/tasks', {
    ...filters,
    status: 'pending,running',
    createdBefore: new Date(Date.now() - seconds * 1000 + 5_000).toISOString(),
  })

const NAMES = {
  services: 'Services',
  nodes: 'Nodes',
  ready: 'The state of the node',
  failures: 'Failures',
  schedules: 'Schedules',
}

/** What needs a person, the worst first, each with a link to where it is set right. */
function Warnings(parts) {
  const unseen = Object.entries(parts).filter(([, { data, error }]) => data === undefined && error !== undefined)
  if (Object.values(parts).some(({ data, error }) => data === undefined && error === undefined)) return null
  const { services, nodes, ready, failures, schedules } = parts
  const warnings = [
    ...unseen.map(([name, { error }]) => ({ href: '#/', text: `${NAMES[name]} cannot be seen.`, more: error.message })),
    ...ofNode(ready.data),
    ...(nodes.data ? ofNodes(nodes.data) : []),
    ...(services.data ?? []).flatMap((service) => ofService(service, failures.data ?? [])),
    ...(schedules.data ?? []).flatMap(ofSchedule),
    ...ofFailures(failures.data ?? []),
  ].sort((one, other) => Number(other.bad ?? false) - Number(one.bad ?? false))
  if (warnings.length === 0) return html`<p class="well" role="status">Nothing needs you.</p>`
  return html`<ul class="warnings" aria-label="Warnings">
    ${warnings.map(({ bad, href, text, more }) => html`<li class=${bad ? 'bad' : ''}><a href=${href}>${text}</a>${more && html` <span class="quiet">${more}</span>`}</li>`)}
  </ul>`
}

function ofNode(ready) {
  if (!ready || ready.status === 'ready') return []
  if (ready.status === 'degraded')
    return [
      {
        href: '#/nodes',
        text: 'Redis does not answer.',
        more: 'Everything works; tasks of other nodes begin up to 1 s later.',
      },
    ]
  return [{ bad: true, href: '#/nodes', text: `The node is ${ready.status}.` }]
}

function ofNodes(nodes) {
  if (nodes.length === 0) return [{ bad: true, href: '#/nodes', text: 'No node is alive: nothing runs.' }]
  const full = nodes.every(({ slots, running }) => slots !== null && running >= slots)
  return [
    ...nodes.filter(isLate).map(({ name }) => ({
      bad: true,
      href: '#/nodes',
      text: `Node ${name} is not heard of.`,
      more: 'Others take over its tasks 12 s after its last beat.',
    })),
    ...(full ? [{ href: '#/nodes', text: 'Every slot of every node is in use.' }] : []),
  ]
}

/** The words of the failures of a service in the last hour that are heard most. */
function mostSay(service, failures) {
  const recent = failures.filter((one) => one.service === service && one.code !== 'cancelled' && isRecent(one.last))
  const [worst] = recent.toSorted((one, other) => other.count - one.count)
  return worst?.message ? ` Most say: ${worst.message}` : ''
}
const isRecent = (at) => Date.parse(at) > Date.now() - 3_600_000

function ofService(service, failures) {
  const { name, paused, gatedUntil, oldestSeconds, waiting, retrying, lastHour, nodes } = service
  const href = '#/services'
  const waits = waiting === 0 ? '' : `${countText(waiting)} ${waiting === 1 ? 'task waits' : 'tasks wait'}.`
  if (paused)
    return [
      {
        href,
        text: `${name} is paused${paused.reason ? `: ${paused.reason}` : '.'}`,
        more: html`by ${paused.by}, since <${Time} at=${paused.since} short />. ${waits}`,
      },
    ]
  if (gatedUntil)
    return [
      {
        href,
        text: `${name} asks to be left alone.`,
        more: html`until <${Time} at=${gatedUntil} short ago />. ${waits}`,
      },
    ]
  if (nodes.length === 0) return [{ bad: true, href, text: `No live node knows ${name}.`, more: waits }]
  return [
    ...(retrying !== 0
      ? [
          {
            bad: lastHour.complete === 0,
            href: hrefOf('/tasks', { service: name, status: 'running' }),
            text: `${countText(retrying)} ${retrying === 1 ? 'task waits' : 'tasks wait'} to repeat a request of ${name} that failed.`,
            more: lastHour.complete === 0 ? 'No task of it is complete in the last hour.' : '',
          },
        ]
      : []),
    ...(oldestSeconds > LONG_WAIT_S
      ? [
          {
            bad: true,
            href: oldestHref({ service: name }, oldestSeconds),
            text: `Tasks of ${name} have waited for ${durationText(oldestSeconds * 1000)}.`,
            more: waits,
          },
        ]
      : []),
    ...(lastHour.failed > 0 && lastHour.failed >= lastHour.complete
      ? [
          {
            bad: true,
            href: hrefOf('/failed', { service: name, since: '1h' }),
            text: `${name} fails more than it completes.`,
            more: `${countText(lastHour.failed)} failed and ${countText(lastHour.complete)} complete in the last hour.${mostSay(name, failures)}`,
          },
        ]
      : []),
  ]
}

function ofSchedule(schedule) {
  const [state, text] = scheduleState(schedule)
  if (state !== 'failed') return []
  const more = text === 'late' ? 'Its time has passed, and it has made no task.' : 'Its last task failed.'
  return [
    {
      bad: true,
      href: '#/schedules',
      text: `The schedule ${schedule.name} ${text === 'late' ? 'is late' : 'fails'}.`,
      more,
    },
  ]
}

/** The largest kinds of failures of the last day. */
function ofFailures(all) {
  const failures = all.filter(({ code }) => code !== 'cancelled')
  const total = failures.reduce((sum, { count }) => sum + count, 0)
  if (total === 0) return []
  const [worst] = failures.toSorted((one, other) => other.count - one.count)
  return [
    {
      href: '#/failed',
      text: `${total >= SEEN_FAILURES ? 'At least ' : ''}${nounText(total, 'task')} failed in the last 24 hours, and nobody has retried ${total === 1 ? 'it' : 'them'}.`,
      more: `Most, ${countText(worst.count)}: ${worst.service} / ${worst.action}, ${worst.message || worst.code}`,
    },
  ]
}

const RANKS = ['failed', 'paused', 'gated', 'complete']
/** Those that need somebody first. */
const sorted = (services) =>
  services.toSorted((one, other) => RANKS.indexOf(stateOf(one)[0]) - RANKS.indexOf(stateOf(other)[0]))

const ServiceTable = ({ services }) => html`<h2>Services</h2>
  <div class="scroll"><table class="list">
    <thead><tr><th>Service</th><th>State</th><th class="number">Running</th><th class="number">Waiting</th><th class="number wide">Oldest waits</th><th class="number wide">Complete, 1 h</th><th class="number">Failed, 1 h</th></tr></thead>
    <tbody>
      ${sorted(services).map((service) => {
        const { name, running, waiting, oldestSeconds, lastHour } = service
        const [state, text] = stateOf(service)
        return html`<tr key=${name} data-row>
          <td><${TasksLink} filters=${{ service: name }}>${name}<//></td>
          <td><${Status} of=${state} text=${text} /></td>
          <td class="number"><${Count} of=${running} filters=${{ service: name, status: 'running' }} /></td>
          <td class="number"><${Count} of=${waiting} filters=${{ service: name, status: 'pending' }} /></td>
          <td class="number wide">${oldestSeconds === null ? html`<span class="quiet">–</span>` : durationText(oldestSeconds * 1000)}</td>
          <td class="number wide">${countText(lastHour.complete)}</td>
          <${FailedCell} name=${name} of=${lastHour.failed} />
        </tr>`
      })}
    </tbody>
  </table></div>`
