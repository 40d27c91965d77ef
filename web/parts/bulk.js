// A change of many tasks: first how many, then the change with its progress, then what came of it.
import { ask, Refused } from '../api.js'
import { countText, durationText, nounText } from '../format.js'
import { html, useEffect, useRef, useState } from '../html.js'
import { hrefOf } from '../route.js'
import { Dialog, openDialog } from './dialog.js'
import { tell } from './notices.js'
import { Faults, Field } from './pieces.js'

const VERBS = {
  cancel: {
    title: 'Cancel tasks',
    act: 'Cancel',
    done: 'cancelled',
    what: 'They end as failed, with the code cancelled. What has ended stays as it is.',
  },
  retry: {
    title: 'Retry tasks',
    act: 'Retry',
    done: 'retried',
    what: 'Each gets a new task that goes on where it failed. The old one stays.',
  },
  delete: { title: 'Delete tasks', act: 'Delete', done: 'deleted', what: 'They are gone for good, running ones too.' },
}

/** Asks whether to change all tasks that have these filters, and does it. `after` is called when something was changed. */
export const openBulk = (verb, filters, after, note) =>
  openDialog((close) => html`<${Bulk} verb=${verb} filters=${filters} after=${after} note=${note} close=${close} />`)

/** How long so many take at a rate such as 20/s, ms; undefined for a rate that is none. */
function lastsMs(count, rate) {
  const [, number, per] = /^([1-9]\d*)\/([smh])$/.exec(rate) ?? []
  return number && (count / Number(number)) * { s: 1_000, m: 60_000, h: 3_600_000 }[per]
}

function Bulk({ verb, filters, after, note, close }) {
  const { title, act, done, what } = VERBS[verb]
  const [count, setCount] = useState({ matched: 0, whole: false })
  const [rate, setRate] = useState(verb === 'retry' ? '20/s' : '')
  const [work, setWork] = useState(undefined)
  const [error, setError] = useState(undefined)
  const over = useRef(new AbortController())
  const working = useRef(false)
  const limit = useRef(undefined)
  useEffect(() => {
    const { signal } = over.current
    bound(signal)
      .then((before) => {
        limit.current = before
        const tell = (sum, whole) => setCount({ matched: sum.matched, whole })
        return sweep(verb, { ...filters, before, dryRun: true }, signal, tell)
      })
      .catch((refused) => signal.aborted || setError(refused))
    // A change that has begun goes on when the dialog is closed.
    return () => working.current || over.current.abort()
  }, [])
  const run = async () => {
    setError(undefined)
    if (!count.whole || count.matched === 0 || work) return
    over.current = new AbortController()
    const { signal } = over.current
    setWork({ matched: 0, done: 0 })
    working.current = true
    let sum = { matched: 0, done: 0 }
    const hear = (now) => setWork((sum = now))
    try {
      await sweep(verb, { ...filters, before: limit.current, ...(rate !== '' && { rate }) }, signal, hear)
      close()
      const missed =
        sum.matched > sum.done ? ` ${nounText(sum.matched - sum.done, 'task was', 'tasks were')} left as they are.` : ''
      tell(
        'good',
        `${nounText(sum.done, 'task')} ${done}.${missed}`,
        verb === 'delete' ? undefined : linkTo(verb, filters),
      )
    } catch (refused) {
      const told = signal.aborted ? 'Stopped' : refused.message
      if (sum.done > 0 || !signal.aborted)
        tell(signal.aborted ? 'good' : 'bad', `${told}: ${nounText(sum.done, 'task')} ${done} until then.`)
      setWork(undefined)
      setError(signal.aborted ? undefined : refused)
    }
    working.current = false
    after?.()
  }
  const told = `${countText(count.matched)}${count.whole ? '' : '+'}`
  const button = html`<button type="submit" class=${verb === 'retry' ? 'primary' : 'danger'} disabled=${work !== undefined || !count.whole || count.matched === 0}>
    ${act} ${count.whole ? nounText(count.matched, 'task') : 'tasks'}
  </button>`
  const lasts = lastsMs(count.matched, rate)
  const hint = `How many begin in a time, such as 20/s or 600/m. ${rate === '' ? 'Empty: all at once.' : lasts ? `The last begins in about ${durationText(lasts)}.` : ''}`
  const stop = work && (() => over.current.abort())
  return html`<${Dialog} title=${title} send=${run} stop=${stop} buttons=${button}>
    <p role="status">
      ${count.whole ? html`<strong>${nounText(count.matched, 'task matches', 'tasks match')}</strong>` : html`Counting… <strong>${told}</strong>`}
      ${' '}${describe(filters)}.
    </p>
    ${count.whole && note?.(count.matched) && html`<p class="warning">${note(count.matched)}</p>`}
    <p class="quiet">${what}</p>
    ${
      verb === 'retry' &&
      html`<${Field} label="Rate" hint=${hint}>
        <input value=${rate} pattern="[1-9][0-9]*/[smh]" onInput=${({ target }) => setRate(target.value.trim())} />
      <//>`
    }
    ${work && html`<progress aria-label="Progress" max=${Math.max(count.matched, work.done, 1)} value=${work.done}></progress><p role="status">${countText(work.done)} ${done}… It goes on when this is closed.</p>`}
    <${Faults} error=${error} />
  <//>`
}

/** The id that no task of now has reached: what is created after the count is not changed. */
async function bound(signal) {
  const [newest] = JSON.parse((await ask('GET', '/tasks', { parameters: { limit: 1, view: 'brief' }, signal })).text)
  return newest && String(BigInt(newest.location.slice(7)) + 1n)
}

/** Goes from call to call until nothing is left. `tell` hears the sums, and whether they are whole. */
async function sweep(verb, filters, signal, tell) {
  const sum = { matched: 0, done: 0 }
  for (let path = `/tasks/${verb}`, parameters = filters; path !== null; parameters = {}) {
    const { matched, done, next } = JSON.parse((await patient(path, parameters, signal)).text)
    sum.matched += matched
    sum.done += done
    path = next
    tell({ ...sum }, next === null)
  }
  return sum
}

/** A call that waits as long as a quota asks it to. */
async function patient(path, parameters, signal) {
  for (;;) {
    try {
      return await ask('POST', path, { parameters, signal })
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 429) throw error
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

const linkTo = (verb, filters) => {
  const { status: _, error: __, kind: ___, retried: ____, ...rest } = filters
  const view =
    verb === 'retry' ? { ...rest, status: 'pending,running' } : { ...rest, status: 'failed', error: 'cancelled' }
  return { href: hrefOf('/tasks', verb === 'retry' && filters.ids ? { ids: filters.ids } : view), text: 'Show them' }
}

/** The filters in words. */
function describe({ ids, ...filters }) {
  if (ids !== undefined) return `the selection${Object.keys(filters).length > 0 ? `, ${describe(filters)}` : ''}`
  const given = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0
    ? 'all tasks'
    : given.map(([name, value]) => `${name} ${String(value).replaceAll(',', ' or ')}`).join(', ')
}
