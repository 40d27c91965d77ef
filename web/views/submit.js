// Submits a task, and follows it.
import { change, may, newKey, Unreachable } from '../api.js'
import { html, useRef, useState } from '../html.js'
import { faultOf } from '../json.js'
import { Choice, Faults, Field } from '../parts/pieces.js'
import { Followed } from './task.js'
import { useServices } from './tasks.js'

const FIRST = {
  service: '',
  action: '',
  payload: '{}',
  delay: '',
  priority: 'normal',
  labels: '',
  unique: '',
  deadline: '',
}

const DOUBLE_MS = 500

export function Submit({ parameters }) {
  const services = useServices()
  const [values, setValues] = useState({ ...FIRST, ...parameters })
  const [state, setState] = useState({ busy: false })
  const attempt = useRef({ key: newKey(), at: 0 })
  const service = values.service || (services.length === 1 ? services[0] : '')
  const set = (changed) => setValues((now) => ({ ...now, ...changed }))
  const send = async (event) => {
    event.preventDefault()
    // The second of a double click; and a repeat of what may have come through creates nothing twice.
    if (state.busy || Date.now() - attempt.current.at < DOUBLE_MS) return
    setState({ busy: true })
    try {
      const { location } = await submitted({ ...values, service }, attempt.current.key)
      attempt.current = { key: newKey(), at: Date.now() }
      setState({ busy: false, location })
    } catch (error) {
      if (!(error instanceof Unreachable)) attempt.current = { key: newKey(), at: 0 }
      setState({ busy: false, error })
    }
  }
  if (!may('submit'))
    return html`<h1>Submit a task</h1><p class="empty">The key may not submit tasks here: it needs the scopes operate and submit.</p>`
  const input = (field, rest) =>
    html`<input value=${values[field]} onInput=${({ target }) => set({ [field]: target.value })} ...${rest} />`
  const demo = service === 'demo'
  return html`<h1>Submit a task</h1>
    <form class="submit" onSubmit=${send}>
      <div class="pair">
        <${Field} label="Service"><${Choice} required aria-label="Service" value=${service} set=${(one) => set({ service: one })} options=${[['', 'choose one'], ...services]} /><//>
        <${Field} label="Action" hint=${demo ? 'The demo knows count, echo, slow and fail.' : undefined}>${input('action', { required: true, list: demo ? 'demo-actions' : undefined, autocomplete: 'off' })}<//>
      </div>
      ${demo && html`<datalist id="demo-actions">${['count', 'echo', 'slow', 'fail'].map((one) => html`<option value=${one}></option>`)}</datalist>`}
      <${Field} label="Payload"><textarea rows="5" spellcheck=${false} value=${values.payload} onInput=${({ target }) => set({ payload: target.value })}></textarea><//>
      <details>
        <summary>Options</summary>
        <div class="pair">
          <${Field} label="Delay" hint="such as 15m">${input('delay')}<//>
          <${Field} label="Deadline" hint="such as 1h">${input('deadline')}<//>
          <${Field} label="Priority"><${Choice} value=${values.priority} set=${(priority) => set({ priority })} options=${['high', 'normal', 'low']} /><//>
        </div>
        <div class="pair">
          <${Field} label="Labels" hint="name=value, with commas between">${input('labels')}<//>
          <${Field} label="Unique" hint="nothing is created while such a task has not ended">${input('unique')}<//>
        </div>
      </details>
      <${Faults} error=${state.error} />
      <p><button type="submit" class="primary" disabled=${state.busy}>Submit</button></p>
    </form>
    ${state.location && html`<div class="followed" role="region" aria-label="The task"><${Followed} key=${state.location} location=${state.location} /></div>`}`
}

/** Sends the task. The payload is sent just as it was written. */
async function submitted({ service, action, payload, delay, priority, labels, unique, deadline }, key) {
  const fault = faultOf(payload)
  if (fault) throw new Error(`The payload is no JSON: ${fault}`)
  const pairs = labels
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => one.split(/=(.*)/s, 2))
  const options = {
    service,
    action: action.trim(),
    ...(delay.trim() && { delay: delay.trim() }),
    ...(deadline.trim() && { deadline: deadline.trim() }),
    ...(priority !== 'normal' && { priority }),
    ...(pairs.length > 0 && {
      labels: Object.fromEntries(pairs.map(([name, value = '']) => [name.trim(), value.trim()])),
    }),
    ...(unique !== '' && { unique }),
  }
  const body = `${JSON.stringify(options).slice(0, -1)},"payload":${payload}}`
  return change('POST', '/tasks', body, {
    headers: { prefer: 'return=representation', 'idempotency-key': key },
  })
}
