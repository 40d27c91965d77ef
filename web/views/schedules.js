// The schedules: what each makes and when, and how to make, change, pause, run and delete one.
import { ask, change, may, read } from '../api.js'
import { idOf } from '../format.js'
import { html } from '../html.js'
import { faultOf } from '../json.js'
import { useLive } from '../live.js'
import { ActButton } from '../parts/buttons.js'
import { closeDialog, Dialog, openDialog } from '../parts/dialog.js'
import { openForm } from '../parts/form-dialog.js'
import { tell } from '../parts/notices.js'
import { Choice, Field, Missing, Status, TaskLink, TasksLink, Time } from '../parts/pieces.js'
import { hrefOf } from '../route.js'
import { childrenOf, rootOf, membersOf } from '../json.js'
import { useServices } from './tasks.js'

const POLL_MS = 5_000
/** A schedule makes its task within 2 s; a minute is a fault. */
const LATE_MS = 60_000

/** How many tasks a list by ids has at most. */
const MOST_IDS = 200

/** Reads all schedules, the payload of each as the text that it is, and the status of the last task of each. */
export async function readSchedules(signal) {
  const schedules = []
  for (let path = '/schedules'; path;) {
    const { text, next } = await ask('GET', path, { signal })
    for (const { start, end } of childrenOf(text, rootOf(text))) {
      const one = text.slice(start, end)
      const payload = membersOf(membersOf(one).get('task')).get('payload') ?? '{}'
      schedules.push({ ...JSON.parse(one), payload })
    }
    path = next
  }
  const ids = schedules.flatMap(({ lastTask }) => (lastTask ? [idOf(lastTask)] : [])).slice(0, MOST_IDS)
  if (ids.length === 0) return schedules
  const parameters = { ids: ids.join(','), view: 'brief', limit: MOST_IDS }
  const statuses = new Map(
    (await read('/tasks', { parameters, signal })).map(({ location, status }) => [location, status]),
  )
  return schedules.map((one) => ({ ...one, lastStatus: statuses.get(one.lastTask) }))
}

/** The state of a schedule: paused, late, failing, never ran, or fine. */
export function scheduleState({ paused, nextAt, lastAt, lastStatus }) {
  if (paused) return ['paused', 'paused']
  if (nextAt && Date.parse(nextAt) < Date.now() - LATE_MS) return ['failed', 'late']
  if (lastStatus === 'failed') return ['failed', 'last task failed']
  return lastAt ? ['complete', 'in use'] : ['pending', 'never ran']
}

export function Schedules() {
  const { data, error, reload } = useLive(readSchedules, POLL_MS, [])
  return html`<h1>Schedules</h1>
    ${may('operate') && html`<div class="bar"><button type="button" class="small primary" onClick=${() => openEdit(undefined, reload)}>New schedule…</button></div>`}
    <${Missing} data=${data} error=${error} what="schedules" />
    ${data?.length === 0 && html`<p class="empty">There is no schedule. A schedule makes tasks at the times of a cron expression.</p>`}
    ${
      data?.length > 0 &&
      html`<div class="scroll"><table class="list">
      <thead><tr><th>Schedule</th><th class="wide">When</th><th>State</th><th class="wide">Makes</th><th class="wide">Next</th><th class="wide">Last time</th><th class="wide">Last task</th>${may('operate') && html`<th><span class="hidden">Actions</span></th>`}</tr></thead>
      <tbody>${data.map((schedule) => html`<${Schedule} key=${schedule.name} schedule=${schedule} after=${reload} />`)}</tbody>
    </table></div>`
    }`
}

function Schedule({ schedule, after }) {
  const { name, cron, timezone, task, overlap, missed, paused, nextAt, lastAt, lastTask, lastStatus } = schedule
  const path = `/schedules/${name}`
  const [state, text] = scheduleState(schedule)
  const next = paused ? html`<span class="quiet">not while paused</span>` : html`<${Time} at=${nextAt} short ago />`
  return html`<tr data-row>
    <td><${TasksLink} filters=${{ schedule: name }}>${name}<//></td>
    <td class="wide"><code>${cron}</code><div class="quiet">${timezone}${overlap === 'skip' ? ', no overlap' : ''}${missed === 'none' ? ', misses nothing up' : ''}</div></td>
    <td><${Status} of=${state} text=${text} /><div class="narrow quiet">${!paused && 'next '}${next}</div></td>
    <td class="wide">${task.service} / ${task.action}</td>
    <td class="wide">${next}</td>
    <td class="wide"><${Time} at=${lastAt} short /></td>
    <td class="wide">${lastStatus && html`<${Status} of=${lastStatus} /> `}<${TaskLink} location=${lastTask} /></td>
    ${
      may('operate') &&
      html`<td class="acts">
        ${may('submit') && html`<${ActButton} act=${() => runNow(path)} done=${after}>Run now<//>`}
        <${ActButton} kind=${paused ? 'primary' : ''} act=${() => change('POST', `${path}/${paused ? 'resume' : 'pause'}`).then(() => `${name} ${paused ? 'goes on' : 'is paused'}.`)} done=${after}>${paused ? 'Resume' : 'Pause'}<//>
        <button type="button" class="small" onClick=${() => openEdit(schedule, after)}>Change…</button>
        <button type="button" class="small" onClick=${() => openDelete(name, after)}>Delete…</button>
      </td>`
    }
  </tr>`
}

async function runNow(path) {
  const { location } = await change('POST', `${path}/run`, undefined, { headers: { prefer: 'return=representation' } })
  tell('good', `Task ${location.slice(7)} is made.`, { href: hrefOf(location), text: 'Follow it' })
}

function openDelete(name, after) {
  const run = async () => {
    closeDialog()
    await change('DELETE', `/schedules/${name}`).then(
      () => tell('good', `The schedule ${name} was deleted.`),
      (error) => tell('bad', error.message),
    )
    after()
  }
  openDialog(
    () => html`<${Dialog} title=${`Delete ${name}`} send=${run} buttons=${html`<button type="submit" class="danger">Delete the schedule</button>`}>
    <p>It makes no more tasks. The tasks that it has made stay.</p>
  <//>`,
  )
}

const ZONES = Intl.supportedValuesOf?.('timeZone') ?? []

function openEdit(schedule, after) {
  const {
    name = '',
    cron = '',
    timezone = 'UTC',
    overlap = 'allow',
    missed = 'one',
    task = {},
    payload = '{}',
  } = schedule ?? {}
  const first = {
    name,
    cron,
    timezone,
    overlap,
    missed,
    service: task.service ?? '',
    action: task.action ?? '',
    payload,
  }
  const send = async (values) => {
    const fault = faultOf(values.payload)
    if (fault) throw new Error(`The payload is no JSON: ${fault}`)
    const { service: _, action: __, payload: ___, ...options } = task
    const told = JSON.stringify({ ...options, service: values.service, action: values.action }).slice(0, -1)
    // Somebody may have paused it meanwhile, and a PUT would end that.
    const paused = schedule && (await read(`/schedules/${name}`)).paused
    const rest = {
      cron: values.cron,
      timezone: values.timezone,
      overlap: values.overlap,
      missed: values.missed,
      ...(paused && { paused }),
    }
    await change(
      'PUT',
      `/schedules/${encodeURIComponent(values.name)}`,
      `${JSON.stringify(rest).slice(0, -1)},"task":${told},"payload":${values.payload}}}`,
    )
    tell('good', `The schedule ${values.name} is ${schedule ? 'changed' : 'made'}.`)
    after()
  }
  openForm({
    title: schedule ? `Change ${name}` : 'New schedule',
    first,
    action: schedule ? 'Change' : 'Make it',
    send,
    fields: (values, set) => html`<${Fields} values=${values} set=${set} named=${schedule !== undefined} />`,
  })
}

function Fields({ values, set, named }) {
  const services = useServices()
  const input = (field, rest) =>
    html`<input required value=${values[field]} onInput=${({ target }) => set({ [field]: target.value })} ...${rest} />`
  return html`<div class="pair">
      <${Field} label="Name">${input('name', { disabled: named, pattern: '[A-Za-z0-9._\\-]{1,100}' })}<//>
      <${Field} label="Cron" hint="minute, hour, day, month, weekday; with six fields the first is the second">${input('cron', { placeholder: '*/15 * * * *' })}<//>
    </div>
    <div class="pair">
      <${Field} label="Time zone">${input('timezone', { list: 'zones' })}<datalist id="zones">${ZONES.map((zone) => html`<option value=${zone}></option>`)}</datalist><//>
      <${Field} label="While the last one runs"><${Choice} value=${values.overlap} set=${(overlap) => set({ overlap })} options=${[
        ['allow', 'make another'],
        ['skip', 'make none'],
      ]} /><//>
      <${Field} label="What was missed"><${Choice} value=${values.missed} set=${(missed) => set({ missed })} options=${[
        ['one', 'is made once'],
        ['none', 'is not made'],
      ]} /><//>
    </div>
    <div class="pair">
      <${Field} label="Service"><${Choice} required value=${values.service} set=${(service) => set({ service })} options=${[['', 'choose one'], ...new Set([...services, ...(values.service ? [values.service] : [])])]} /><//>
      <${Field} label="Action">${input('action')}<//>
    </div>
    <${Field} label="Payload"><textarea rows="5" spellcheck=${false} value=${values.payload} onInput=${({ target }) => set({ payload: target.value })}></textarea><//>`
}
