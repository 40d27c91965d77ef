// What can be done with one task: cancel, retry, change, delete, and copy it as a request.
import { addressOf, change, may } from '../api.js'
import { html } from '../html.js'
import { faultOf } from '../json.js'
import { ActButton, CopyButton } from '../parts/buttons.js'
import { Dialog, closeDialog, openDialog } from '../parts/dialog.js'
import { openForm } from '../parts/form-dialog.js'
import { tell } from '../parts/notices.js'
import { Choice, Field } from '../parts/pieces.js'
import { go, hrefOf } from '../route.js'

export function TaskActions({ task, texts, after }) {
  const { location, status } = task
  const ended = status === 'complete' || status === 'failed'
  return html`<div class="actions">
    ${ended && may('submit') && !task.retriedAs && html`<button type="button" class=${status === 'failed' ? 'primary' : ''} onClick=${() => openRetry(task, texts)}>Retry…</button>`}
    ${!ended && may('cancel') && html`<button type="button" class="danger" onClick=${() => openSure(task, 'cancel', after)}>Cancel…</button>`}
    ${!ended && may('cancel') && Date.parse(task.runAt) > Date.now() && html`<${ActButton} small=${false} act=${() => change('PATCH', location, { delay: '0s' }).then(() => 'The task is due now.')} done=${after}>Run now<//>`}
    ${status === 'pending' && may('cancel') && html`<button type="button" onClick=${() => openPriority(task, after)}>Priority…</button>`}
    ${may('cancel') && html`<button type="button" onClick=${() => openSure(task, 'delete', after)}>Delete…</button>`}
    <${CopyButton} text=${curlOf(task, texts)} label="Copy as curl" tag="Copy as curl" />
  </div>`
}

const SURE = {
  cancel: {
    title: 'Cancel this task',
    what: 'A request under way is aborted. The task ends as failed, with the code cancelled.',
    act: 'Cancel the task',
    send: (location) => change('POST', `${location}/cancel`),
    done: 'was cancelled',
  },
  delete: {
    title: 'Delete this task',
    what: 'It is gone for good. A request under way is aborted.',
    act: 'Delete the task',
    send: (location) => change('DELETE', location),
    done: 'was deleted',
  },
}

function openSure(task, verb, after) {
  const { title, what, act, send, done } = SURE[verb]
  const run = async () => {
    closeDialog()
    try {
      await send(task.location)
      tell('good', `Task ${task.location.slice(7)} ${done}.`)
    } catch (error) {
      tell('bad', error.message)
    }
    after()
  }
  openDialog(
    () => html`<${Dialog} title=${title} send=${run} buttons=${html`<button type="submit" class="danger">${act}</button>`}>
    <p>Task ${task.location.slice(7)}, ${task.service} / ${task.action}, is ${task.status}.</p>
    <p class="quiet">${what}</p>
  <//>`,
  )
}

function openPriority(task, after) {
  openForm({
    title: 'Change the priority',
    first: { priority: task.priority },
    action: 'Change',
    fields: ({ priority }, set) =>
      html`<${Field} label="Priority"><${Choice} value=${priority} set=${(value) => set({ priority: value })} options=${['high', 'normal', 'low']} /><//>`,
    send: async (values) => (
      await change('PATCH', task.location, values),
      tell('good', 'The priority was changed.'),
      after()
    ),
  })
}

/** Retry, from where, and with which payload. What is not changed goes along as it is. */
function openRetry(task, texts) {
  const failed = task.status === 'failed'
  // The state of another step is not shown by the API.
  const carried = (from) =>
    from === 'step'
      ? ''
      : from === 'failure' && texts.get('state') !== 'null'
        ? texts.get('state')
        : texts.get('payload')
  const first = { from: failed ? 'failure' : 'start', step: '', edited: false, payload: '' }
  const send = async ({ from, step, edited, payload }) => {
    const fault = edited && faultOf(payload)
    if (fault) throw new Error(`The payload is no JSON: ${fault}`)
    const at = from === 'step' ? step : JSON.stringify(from)
    // As text: the payload is sent just as it was written.
    const body = `{"from":${at}${edited ? `,"payload":${payload}` : ''}}`
    const made = await change('POST', `${task.location}/retry`, body, { headers: { prefer: 'return=representation' } })
    tell('good', `Task ${task.location.slice(7)} is retried as ${made.location.slice(7)}.`, {
      href: hrefOf(task.location),
      text: 'The old task',
    })
    return () => go(made.location)
  }
  const froms = [
    ...(failed ? [['failure', `where it failed${task.step > 0 ? `, after step ${task.step}` : ''}`]] : []),
    ['start', 'from the start'],
    ...(task.step > 0 ? [['step', 'from a step']] : []),
  ]
  openForm({
    title: 'Retry this task',
    first,
    action: 'Retry',
    send,
    fields: (values, set) => html`
      <p class="quiet">A new task is created. This one stays as it is, and shows the new one.</p>
      <${Field} label="Begin"><${Choice} value=${values.from} set=${(from) => set({ from, ...(!values.touched && { payload: carried(from) }) })} options=${froms} /><//>
      ${values.from === 'step' && html`<${Field} label="Step" hint="Only a step whose state was kept: the services file says how many, as keepStates."><input type="number" required min="0" max=${task.step} value=${values.step} onInput=${({ target }) => set({ step: target.value })} /><//>`}
      <label class="tick"><input type="checkbox" checked=${values.edited} onChange=${({ target }) => set({ edited: target.checked, ...(!values.touched && { payload: carried(values.from) }) })} /> Change the payload</label>
      ${values.edited && html`<${Field} label="Payload of the first request"><textarea rows="10" spellcheck=${false} value=${values.payload} onInput=${({ target }) => set({ payload: target.value, touched: true })}></textarea><//>`}
    `,
  })
}

/** The request that creates such a task. */
function curlOf({ service, action, priority, labels, unique, callback }, texts) {
  const own = callback && callback.on === undefined ? { callback } : {}
  const options = {
    ...(priority !== 'normal' && { priority }),
    ...(labels && { labels }),
    ...(unique && { unique }),
    ...own,
  }
  const more = JSON.stringify(options).slice(1, -1)
  const body = `{"service":${JSON.stringify(service)},"action":${JSON.stringify(action)},"payload":${texts.get('payload')}${more && `,${more}`}}`
  return `curl -i ${quoted(addressOf('/tasks').href)} \\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(body)}`
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`
