// The tasks: filters that stand in the address, a list that stays up to date without a jump, and changes of many.
import { ask, may, read } from '../api.js'
import { nounText } from '../format.js'
import { html, useEffect, useMemo, useRef, useState } from '../html.js'
import { useLive } from '../live.js'
import { openBulk } from '../parts/bulk.js'
import { Missing, Status, TaskLink, Time } from '../parts/pieces.js'
import { go } from '../route.js'
import { Filters } from './task-filters.js'

const POLL_MS = 3_000
const PAGE = 100
/** How far down the list counts as being read, px: then nothing is put in above. */
const READING = 240

export function Tasks({ parameters }) {
  const asked = JSON.stringify(parameters)
  const [more, setMore] = useState({ rows: [], next: undefined, busy: false, error: undefined })
  const [held, setHeld] = useState(0)
  const show = useRef(false)
  const [selected, setSelected] = useState(new Set())
  useEffect(() => (setMore({ rows: [], next: undefined, busy: false }), setSelected(new Set()), setHeld(0)), [asked])

  const later = useRef(more.rows)
  later.current = more.rows
  const { data, error, reload } = useLive(
    async (signal, before) => {
      await refresh(later.current, signal, (rows) => setMore((now) => ({ ...now, rows: renewed(now.rows, rows) })))
      const page = await readTasks('/tasks', { ...parameters, view: 'brief', limit: PAGE }, signal)
      const reading = before && !show.current && (scrollY > READING || document.querySelector('dialog[open]'))
      show.current = false
      const fresh = reading ? page.rows.filter(({ location }) => !before.known.has(location)) : []
      setHeld(fresh.length)
      // What is being read stays where it is: rows change, and none comes or goes.
      const rows = reading ? renewed(before.rows, page.rows) : steady(before?.rows, page.rows)
      // What new tasks push out of the page stays, where older ones follow it.
      if (!reading && later.current.length > 0) rows.push(...before.rows.filter(isBehind(rows.at(-1))))
      return { rows, next: reading ? before.next : page.next, known: new Set(rows.map(({ location }) => location)) }
    },
    POLL_MS,
    [asked],
  )
  const rows = useMemo(() => joined(data?.rows ?? [], more.rows), [data, more.rows])
  const next = more.rows.length > 0 || more.next === null ? more.next : data?.next
  const loadMore = async () => {
    if (more.busy || !next) return
    setMore((now) => ({ ...now, busy: true, error: undefined }))
    try {
      // A page of a filter may be empty, and lead on.
      let page = await readTasks(next)
      for (let looked = 0; page.rows.length === 0 && page.next && looked < 20; looked += 1)
        page = await readTasks(page.next)
      setMore((now) => ({ rows: [...now.rows, ...page.rows], next: page.next ?? null, busy: false }))
    } catch (refused) {
      setMore((now) => ({ ...now, busy: false, error: refused }))
    }
  }
  const toggle = (location) =>
    setSelected((now) => {
      const then = new Set(now)
      if (!then.delete(location)) then.add(location)
      return then
    })
  const showHeld = () => {
    show.current = true
    scrollTo({ top: 0 })
    reload()
  }
  const acts = may('cancel') || may('submit')
  return html`<h1>Tasks</h1>
    <${Filters} parameters=${parameters} set=${(change) => go('/tasks', { ...parameters, ...change }, { replace: true })} />
    ${acts && html`<${Bar} selected=${selected} clear=${() => setSelected(new Set())} parameters=${parameters} after=${reload} />`}
    <${Missing} data=${data} error=${error} what="tasks" />
    ${held > 0 && html`<button type="button" class="fresh" onClick=${showHeld}>${nounText(held, held === PAGE ? 'or more new tasks' : 'new task')}: show</button>`}
    ${
      data &&
      (rows.length === 0 && !next
        ? html`<p class="empty">No task ${Object.keys(parameters).length > 0 ? 'matches. Take a filter away to see more.' : 'is there yet.'} ${may('submit') && html`<a href="#/submit">Submit one</a>`}</p>`
        : html`<${List} rows=${rows} selected=${acts ? selected : undefined} toggle=${toggle} setAll=${(all) => setSelected(new Set(all ? rows.map(({ location }) => location) : []))} />`)
    }
    ${more.error && html`<p class="warning" role="alert">${more.error.message}</p>`}
    ${data && next && html`<${More} load=${loadMore} busy=${more.busy} key=${next} />`}`
}

/** How many rows below the first page are kept up to date. */
const REFRESHED = 200

/** Reads again those rows below the first page that have not ended. */
async function refresh(rows, signal, tell) {
  const open = rows.filter(({ status }) => status === 'pending' || status === 'running').slice(0, REFRESHED)
  if (open.length === 0) return
  const ids = open.map(({ location }) => location.slice(7)).join(',')
  tell((await readTasks('/tasks', { ids, view: 'brief' }, signal)).rows)
}

/** Whether a task is older than another one: ids are numbers of up to 19 digits. */
const isBehind = (other) => (task) =>
  other !== undefined && BigInt(task.location.slice(7)) < BigInt(other.location.slice(7))

/** Reads a page: its rows, and the path of the next page. */
async function readTasks(path, parameters, signal) {
  const { text, next } = await ask('GET', path, { parameters, signal })
  return { rows: JSON.parse(text), next }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

/** The new rows; a row that has not changed stays the same object, and is not drawn again. */
function steady(before = [], rows) {
  const known = new Map(before.map((row) => [row.location, row]))
  return rows.map((row) => (same(known.get(row.location), row) ? known.get(row.location) : row))
}

/** The rows of before with what is new of them. */
function renewed(before, rows) {
  const fresh = new Map(steady(before, rows).map((row) => [row.location, row]))
  return before.map((row) => fresh.get(row.location) ?? row)
}

/** The first page and the pages after it, each task once. */
function joined(first, later) {
  const known = new Set(first.map(({ location }) => location))
  return [...first, ...later.filter(({ location }) => !known.has(location))]
}

/** What can be done with the selection, or with all that match. */
function Bar({ selected, clear, parameters, after }) {
  const chosen = selected.size > 0
  const open = (verb) => {
    const filters = chosen ? { ids: [...selected].map((location) => location.slice(7)).join(',') } : parameters
    const done = () => (clear(), after())
    if (verb === 'retry') openBulk(verb, { status: 'failed', ...filters }, done)
    else if (verb === 'cancel') openBulk(verb, { status: 'pending,running', ...filters }, done)
    else openBulk(verb, Object.keys(filters).length > 0 ? filters : { status: 'pending,running,complete,failed' }, done)
  }
  const many = selected.size > 1_000
  return html`<div class="bar" role="toolbar" aria-label="Change tasks">
    <span role="status">${chosen ? html`<strong>${nounText(selected.size, 'task')}</strong> selected${many ? ': at most 1,000 at once' : ''}` : 'All that match:'}</span>
    ${may('submit') && html`<button type="button" class="small" disabled=${many} onClick=${() => open('retry')}>Retry…</button>`}
    ${may('cancel') && html`<button type="button" class="small" disabled=${many} onClick=${() => open('cancel')}>Cancel…</button>`}
    ${may('cancel') && html`<button type="button" class="small danger" disabled=${many} onClick=${() => open('delete')}>Delete…</button>`}
    ${chosen && html`<button type="button" class="small plain" onClick=${clear}>Clear the selection</button>`}
  </div>`
}

function List({ rows, selected, toggle, setAll }) {
  return html`<div class="scroll"><table class="list">
    <thead>
      <tr>
        ${selected && html`<th class="check"><input type="checkbox" aria-label="Select all that are shown" checked=${rows.length > 0 && rows.every(({ location }) => selected.has(location))} onChange=${({ target }) => setAll(target.checked)} /></th>`}
        <th class="number">Task</th><th>Status</th><th>Service</th><th>Action</th><th class="wide">Step</th><th class="wide">What it says</th><th class="wide">Created</th><th class="wide">Ended</th>
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
      <td><${Status} of=${task.status} /></td>
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

/** What there is to say of a task: its error, or when it goes on, and its labels. */
function saidOf({ status, lastError: error, runAt, priority, labels }) {
  const told = Object.entries(labels ?? {}).map(([name, value]) => html`<span class="label">${name}=${value}</span> `)
  const rank = priority === 'normal' ? '' : html`<span class="label">${priority}</span> `
  if (error) return html`<code>${error.code}</code> ${error.status ? `${error.status} ` : ''}${rank}${told}`
  const waits = status !== 'complete' && Date.parse(runAt) > Date.now()
  return html`${waits && html`due <${Time} at=${runAt} short />${' '}`}${rank}${told}`
}

/** Loads the next page when it comes into sight, or when it is asked to. */
function More({ load, busy }) {
  const place = useRef()
  useEffect(() => {
    const watch = new IntersectionObserver(([entry]) => entry.isIntersecting && load(), { rootMargin: '400px' })
    watch.observe(place.current)
    return () => watch.disconnect()
  }, [load])
  return html`<p ref=${place}><button type="button" onClick=${load} disabled=${busy}>${busy ? 'Loading…' : 'More tasks'}</button></p>`
}

/** The names of the services, for choices; [] while they are not known. */
export function useServices() {
  return useLive(async (signal) => (await read('/services', { signal })).map(({ name }) => name), 30_000, []).data ?? []
}
