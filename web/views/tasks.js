// The tasks: filters that stand in the address, a list that stays up to date without a jump, and changes of many.
import { may, read } from '../api.js'
import { nounText } from '../format.js'
import { html, useEffect, useMemo, useRef, useState } from '../html.js'
import { useLive } from '../live.js'
import { openBulk } from '../parts/bulk.js'
import { Missing, Status, TaskLink, Time } from '../parts/pieces.js'
import { go } from '../route.js'
import { useTasks } from './list.js'
import { Filters } from './task-filters.js'

export function Tasks({ parameters }) {
  const asked = JSON.stringify(parameters)
  const [selected, setSelected] = useState(new Set())
  const chosen = useRef(false)
  chosen.current = selected.size > 0
  useEffect(() => setSelected(new Set()), [asked])
  const { rows, next, held, full, fault, error, loading, reload, more, show } = useTasks(parameters, chosen)
  const toggle = (location) =>
    setSelected((now) => {
      const then = new Set(now)
      if (!then.delete(location)) then.add(location)
      return then
    })
  const acts = may('cancel') || may('submit')
  const filtered = Object.keys(parameters).length > 0
  return html`<h1>Tasks</h1>
    <${Filters} parameters=${parameters} set=${(change) => go('/tasks', { ...parameters, ...change }, { replace: true })} />
    ${acts && html`<${Bar} selected=${selected} clear=${() => setSelected(new Set())} parameters=${parameters} after=${reload} />`}
    <${Missing} data=${rows} error=${error} what="tasks" />
    ${held > 0 && html`<button type="button" class="fresh" onClick=${show}>${held === full ? `${full} or more new tasks` : nounText(held, 'new task')}: show</button>`}
    ${
      rows &&
      (rows.length === 0 && !next
        ? html`<p class="empty">No task ${filtered ? 'matches. Take a filter away to see more.' : 'is there yet.'} ${may('submit') && html`<a href="#/submit">Submit one</a>`}</p>`
        : html`<${List} rows=${rows} selected=${acts ? selected : undefined} toggle=${toggle} setAll=${(all) => setSelected(new Set(all ? rows.map(({ location }) => location) : []))} />`)
    }
    ${fault && html`<p class="warning" role="alert">${fault.message}</p>`}
    ${rows && next && html`<${More} load=${more} busy=${loading} alone=${fault === undefined} />`}`
}

/** What can be done with the selection, or with all that match. */
function Bar({ selected, clear, parameters, after }) {
  const chosen = selected.size > 0
  const open = (verb) => {
    const filters = chosen
      ? { ...parameters, ids: [...selected].map((location) => location.slice(7)).join(',') }
      : parameters
    const done = () => (clear(), after())
    if (verb === 'retry') openBulk(verb, { status: 'failed', retried: 'false', ...filters }, done)
    else if (verb === 'cancel') openBulk(verb, { status: 'pending,running', ...filters }, done)
    else openBulk(verb, filters, done)
  }
  const many = selected.size > 1_000
  // Nobody means all tasks by a slip.
  const none = !chosen && Object.keys(parameters).length === 0
  return html`<div class=${chosen ? 'bar held' : 'bar'} role="toolbar" aria-label="Change tasks">
    <span role="status">${chosen ? html`<strong>${nounText(selected.size, 'task')}</strong> selected${many ? ': at most 1,000 at once' : ''}` : none ? 'Select tasks, or choose a filter, to change them:' : 'All that match:'}</span>
    ${may('submit') && html`<button type="button" class="small" disabled=${many || none} onClick=${() => open('retry')}>Retry…</button>`}
    ${may('cancel') && html`<button type="button" class="small" disabled=${many || none} onClick=${() => open('cancel')}>Cancel…</button>`}
    ${may('cancel') && html`<button type="button" class="small danger" disabled=${many || none} onClick=${() => open('delete')}>Delete…</button>`}
    ${chosen && html`<button type="button" class="small plain" onClick=${clear}>Clear the selection</button>`}
  </div>`
}

function List({ rows, selected, toggle, setAll }) {
  return html`<div class="scroll"><table class="list">
    <thead>
      <tr>
        ${selected && html`<th class="check"><input type="checkbox" aria-label="Select all that are shown" checked=${rows.length > 0 && rows.every(({ location }) => selected.has(location))} onChange=${({ target }) => setAll(target.checked)} /></th>`}
        <th class="number">Task</th><th>Status</th><th>Service</th><th>Action</th><th class="number wide">Step</th><th class="wide">What it says</th><th class="wide">Created</th><th class="wide">Ended</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map((task) => html`<${Row} key=${task.location} task=${task} selectable=${selected !== undefined} on=${selected?.has(task.location)} toggle=${toggle} />`)}
    </tbody>
  </table></div>`
}

function Row({ task, selectable, on, toggle }) {
  return useMemo(
    () => html`<tr data-row class=${on ? 'chosen' : ''}>
      ${selectable && html`<td class="check"><input type="checkbox" aria-label=${`Select task ${task.location.slice(7)}`} checked=${on} onChange=${() => toggle(task.location)} /></td>`}
      <td class="number"><${TaskLink} location=${task.location} /></td>
      <td><${Status} of=${waits(task) ? 'gated' : task.status} text=${waits(task) ? 'retrying' : task.status} />${task.lastError && html`<div class="narrow">${task.lastError.code}</div>`}</td>
      <td>${task.service}</td>
      <td>${task.action}</td>
      <td class="wide number">${task.step}</td>
      <td class="wide said">${saidOf(task)}</td>
      <td class="wide"><${Time} at=${task.createdAt} short /></td>
      <td class="wide"><${Time} at=${task.finishedAt} short /></td>
    </tr>`,
    [task, selectable, on],
  )
}

/** Whether a task waits to repeat a request that failed. */
const waits = ({ status, runAt, lastError }) => status === 'running' && runAt !== null && lastError !== null

/** What there is to say of a task: its error, or when it goes on, and its labels. */
function saidOf(task) {
  const { status, lastError: error, runAt, startedAt, attempt, priority, labels } = task
  const told = Object.entries(labels ?? {}).map(([name, value]) => html`<span class="label">${name}=${value}</span> `)
  const rank = priority === 'normal' ? '' : html`<span class="label">${priority}</span> `
  const failed = error && html`<code>${error.code}</code> ${error.status ?? error.detail} `
  const due =
    status !== 'complete' &&
    Date.parse(runAt) > Date.now() &&
    html`${waits(task) ? `try ${attempt}, next` : 'due'} <${Time} at=${runAt} short />${' '}`
  const began = status === 'running' && !waits(task) && html`began <${Time} at=${startedAt} short />${' '}`
  return html`${failed}${due}${began}${rank}${told}`
}

/** Loads the next page when it comes into sight, unless the last one could not be loaded, or when it is asked to. */
function More({ load, busy, alone }) {
  const place = useRef()
  const latest = useRef()
  latest.current = load
  const [near, setNear] = useState(false)
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => setNear(entry.isIntersecting), { rootMargin: '400px' })
    watch.observe(place.current)
    return () => watch.disconnect()
  }, [])
  useEffect(() => {
    if (near && alone && !busy) void latest.current()
  }, [near, alone, busy])
  return html`<p ref=${place}><button type="button" onClick=${load} disabled=${busy}>${busy ? 'Loading…' : 'More tasks'}</button></p>`
}

/** The names of the services, for choices; [] while they are not known. */
export function useServices() {
  return useLive(async (signal) => (await read('/services', { signal })).map(({ name }) => name), 30_000, []).data ?? []
}
