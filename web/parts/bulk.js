// A change of many tasks: first how many, then the change with its progress, then what came of it.
import { ask, Refused } from '../api.js'
import { countText, nounText } from '../format.js'
import { html, useEffect, useRef, useState } from '../html.js'
import { hrefOf } from '../route.js'
import { closeDialog, Dialog, openDialog } from './dialog.js'
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
export const openBulk = (verb, filters, after) =>
  openDialog(() => html`<${Bulk} verb=${verb} filters=${filters} after=${after} />`)

function Bulk({ verb, filters, after }) {
  const { title, act, done, what } = VERBS[verb]
  const [count, setCount] = useState({ matched: 0, whole: false })
  const [rate, setRate] = useState(verb === 'retry' ? '20/s' : '')
  const [work, setWork] = useState(undefined)
  const [error, setError] = useState(undefined)
  const over = useRef(new AbortController())
  useEffect(() => {
    const { signal } = over.current
    sweep(verb, { ...filters, dryRun: true }, signal, (sum, whole) => setCount({ matched: sum.matched, whole })).catch(
      (refused) => signal.aborted || setError(refused),
    )
    return () => over.current.abort()
  }, [])
  const run = async () => {
    setError(undefined)
    // The count need not be whole: the change goes through all the same.
    over.current.abort()
    over.current = new AbortController()
    const { signal } = over.current
    setWork({ matched: 0, done: 0 })
    try {
      const sum = await sweep(verb, { ...filters, ...(rate !== '' && { rate }) }, signal, setWork)
      closeDialog()
      const missed =
        sum.matched > sum.done ? ` ${nounText(sum.matched - sum.done, 'task was', 'tasks were')} left as they are.` : ''
      tell(
        'good',
        `${nounText(sum.done, 'task')} ${done}.${missed}`,
        verb === 'delete' ? undefined : linkTo(verb, filters),
      )
    } catch (refused) {
      setWork(undefined)
      setError(refused)
    }
    after?.()
  }
  const told = `${countText(count.matched)}${count.whole ? '' : '+'}`
  const button = html`<button type="submit" class=${verb === 'retry' ? 'primary' : 'danger'} disabled=${work !== undefined || (count.whole && count.matched === 0)}>
    ${act} ${count.whole ? nounText(count.matched, 'task') : 'tasks'}
  </button>`
  return html`<${Dialog} title=${title} send=${run} buttons=${button}>
    <p role="status">
      ${count.whole ? html`<strong>${nounText(count.matched, 'task matches', 'tasks match')}</strong>` : html`Counting… <strong>${told}</strong>`}
      ${' '}${describe(filters)}.
    </p>
    <p class="quiet">${what}</p>
    ${
      verb === 'retry' &&
      html`<${Field} label="Rate" hint="How many begin in a time, such as 20/s or 600/m. Empty: all at once.">
        <input value=${rate} pattern="[1-9][0-9]*/[smh]" onInput=${({ target }) => setRate(target.value.trim())} />
      <//>`
    }
    ${work && html`<progress aria-label="Progress" max=${Math.max(count.matched, work.done, 1)} value=${work.done}></progress><p role="status">${countText(work.done)} ${done}…</p>`}
    <${Faults} error=${error} />
  <//>`
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
  const { status: _, error: __, ...rest } = filters
  const view =
    verb === 'retry' ? { ...rest, status: 'pending,running' } : { ...rest, status: 'failed', error: 'cancelled' }
  return { href: hrefOf('/tasks', verb === 'retry' && filters.ids ? { ids: filters.ids } : view), text: 'Show them' }
}

/** The filters in words. */
function describe({ ids, ...filters }) {
  if (ids !== undefined) return 'the selection'
  const given = Object.entries(filters).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0
    ? 'all tasks'
    : given.map(([name, value]) => `${name} ${String(value).replaceAll(',', ' or ')}`).join(', ')
}
