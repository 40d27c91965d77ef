// The filters of the list of tasks. Each stands in the address, so a link shows the same list.
import { html, useState } from '../html.js'
import { Choice } from '../parts/pieces.js'
import { useServices } from './tasks.js'

const STATUSES = ['pending', 'running', 'complete', 'failed']
export const CODES = [
  'service_error',
  'redirect',
  'timeout',
  'service_unavailable',
  'too_many_steps',
  'deadline_exceeded',
  'unknown_service',
  'crashed',
  'bad_body',
  'body_too_large',
  'cancelled',
  'cannot_decrypt',
]
/** What the search field understands: `name:value`, and the number of a task. */
const SEARCH = /^(action|schedule|label\.[A-Za-z0-9._-]+|createdAfter|createdBefore|retried)[:=](.+)$/
const CHOSEN = ['status', 'service', 'error']

export function Filters({ parameters, set }) {
  const services = useServices()
  const statuses = (parameters.status ?? '').split(',').filter(Boolean)
  const flip = (status) => {
    const next = statuses.includes(status) ? statuses.filter((one) => one !== status) : [...statuses, status]
    set({ status: STATUSES.filter((one) => next.includes(one)).join(',') || undefined })
  }
  const others = Object.entries(parameters).filter(([name]) => !CHOSEN.includes(name))
  return html`<div class="filters" role="search">
    <div class="toggles" role="group" aria-label="Status">
      ${STATUSES.map((status) => html`<button type="button" class="small toggle" aria-pressed=${statuses.includes(status)} onClick=${() => flip(status)}><span class=${`status ${status}`}>${status}</span></button>`)}
    </div>
    <${Choice} aria-label="Service" value=${parameters.service ?? ''} set=${(service) => set({ service })} options=${[['', 'every service'], ...named(services, parameters.service)]} />
    <${Choice} aria-label="Error" value=${parameters.error ?? ''} set=${(error) => set({ error })} options=${[['', 'every error'], ...named(CODES, parameters.error)]} />
    <${Search} set=${set} />
    ${others.map(
      ([name, value]) =>
        html`<button type="button" class="small label" aria-label=${`Take the filter ${name} away`} onClick=${() => set({ [name]: undefined })}>${name}=${value.length > 40 ? `${value.slice(0, 40)}…` : value} ×</button>`,
    )}
  </div>`
}

const named = (names, chosen) => (chosen && !names.includes(chosen) ? [chosen, ...names] : names)

function Search({ set }) {
  const [fault, setFault] = useState(false)
  const search = (event) => {
    event.preventDefault()
    const [input] = event.target.elements
    const text = input.value.trim()
    const [, name, value] = SEARCH.exec(text) ?? []
    const label = /^([A-Za-z0-9._-]+)=(.+)$/.exec(text)
    if (/^[1-9][0-9]{0,18}$/.test(text)) location.hash = `#/tasks/${text}`
    else if (name) set({ [name]: value.trim() })
    else if (label) set({ [`label.${label[1]}`]: label[2] })
    else if (/^[A-Za-z0-9._~-]+$/.test(text)) set({ action: text })
    else return setFault(text !== '')
    setFault(false)
    input.value = ''
  }
  return html`<form class="search" onSubmit=${search}>
    <input type="search" data-search aria-label="Find tasks" aria-invalid=${fault} placeholder="number, action, label=value" title="The number of a task, an action, name=value of a label, schedule:name, createdAfter:2026-12-24T18:00:00Z, createdBefore:…, retried:true" />
    ${fault && html`<small class="bad" role="alert">Not understood. Say a number, an action, label=value, or schedule:name.</small>`}
  </form>`
}
