// The services: how each is doing, what holds for it, and how to stop it, let it go on, and limit it.
import { change, may, read } from '../api.js'
import { countText, durationText, nounText } from '../format.js'
import { html } from '../html.js'
import { useLive } from '../live.js'
import { ActButton } from '../parts/buttons.js'
import { openForm } from '../parts/form-dialog.js'
import { tell } from '../parts/notices.js'
import { Field, Missing, Status, TasksLink, Time } from '../parts/pieces.js'
import { hrefOf } from '../route.js'

const POLL_MS = 4_000

export function Services() {
  const { data, error, reload } = useLive((signal) => read('/services', { signal }), POLL_MS, [])
  return html`<h1>Services</h1>
    <${Missing} data=${data} error=${error} what="services" />
    ${data?.length === 0 && html`<p class="empty">No service is registered. Services are registered in the services file.</p>`}
    ${
      data?.length > 0 &&
      html`<div class="scroll"><table class="list">
      <thead><tr><th>Service</th><th>State</th><th class="number wide">Running</th><th class="number">Waiting</th><th class="number wide">Delayed</th><th class="number wide">Oldest waits</th><th class="number wide">Complete, 1 h</th><th class="number wide">Failed, 1 h</th><th class="wide">Limits</th>${may('operate') && html`<th><span class="hidden">Actions</span></th>`}</tr></thead>
      <tbody>${data.map((service) => html`<${Service} key=${service.name} service=${service} after=${reload} />`)}</tbody>
    </table></div>`
    }`
}

/** The state of a service: paused, gated, no node, failing, retrying, or fine. */
export function stateOf({ paused, gatedUntil, nodes, retrying, lastHour }) {
  if (paused) return ['paused', 'paused']
  if (gatedUntil) return ['gated', 'gated']
  if (nodes.length === 0) return ['failed', 'no node']
  if (lastHour.failed > 0 && lastHour.failed >= lastHour.complete) return ['failed', 'failing']
  if (retrying !== 0) return lastHour.complete === 0 ? ['failed', 'no answer'] : ['gated', 'retrying']
  return ['complete', 'in use']
}

function Service({ service, after }) {
  const { name, url, paused, gatedUntil, running, waiting, delayed, retrying, oldestSeconds, lastHour, nodes } = service
  const [state, text] = stateOf(service)
  return html`<tr data-row>
    <td><${TasksLink} filters=${{ service: name }}>${name}<//><div class="quiet url wide" title=${url}>${url ?? 'known to other nodes only'}</div></td>
    <td>
      <${Status} of=${state} text=${text} />
      ${paused && html`<div class="reason">${paused.reason || 'no reason given'} <span class="quiet">by ${paused.by}, since <${Time} at=${paused.since} short /></span></div>`}
      ${gatedUntil && html`<div class="reason">until <${Time} at=${gatedUntil} short ago /></div>`}
      ${retrying !== 0 && html`<div class="reason"><${TasksLink} filters=${{ service: name, status: 'running' }}>${nounText(retrying, 'task waits', 'tasks wait')}<//> to repeat a request that failed</div>`}
      ${text === 'failing' && html`<div class="reason"><${FailedLink} name=${name}>${countText(lastHour.failed)} failed<//>, ${countText(lastHour.complete)} complete in the last hour</div>`}
      ${nodes.length === 0 && html`<div class="reason">no live node knows it</div>`}
    </td>
    <td class="number wide"><${Count} of=${running} filters=${{ service: name, status: 'running' }} /></td>
    <td class="number"><${Count} of=${waiting} filters=${{ service: name, status: 'pending' }} /></td>
    <td class="number wide">${countText(delayed)}</td>
    <td class="number wide">${oldestSeconds === null ? html`<span class="quiet">–</span>` : durationText(oldestSeconds * 1000)}</td>
    <td class="number wide">${countText(lastHour.complete)}</td>
    <${FailedCell} wide name=${name} of=${lastHour.failed} />
    <td class="wide"><${Limits} service=${service} /></td>
    ${
      may('operate') &&
      html`<td class="acts">
        ${
          paused || gatedUntil
            ? html`<${ActButton} kind="primary" act=${() => change('POST', `/services/${name}/resume`).then(() => `${name} goes on.`)} done=${after}>Resume<//>`
            : html`<button type="button" class="small" onClick=${() => openPause(service, after)}>Pause…</button>`
        }
        <button type="button" class="small" onClick=${() => openLimit(service, after)}>Limit…</button>
      </td>`
    }
  </tr>`
}

/** A count that leads to the tasks, where there are any. */
export const Count = ({ of, filters }) => (of === 0 ? '0' : html`<${TasksLink} filters=${filters}>${countText(of)}<//>`)

/** What of a service has failed in the last hour, by kind. */
const FailedLink = ({ name, children }) =>
  html`<a href=${hrefOf('/failed', { service: name, since: '1h' })}>${children}</a>`

export const FailedCell = ({ name, of, wide = false }) =>
  html`<td class=${`number ${wide ? 'wide' : ''} ${of > 0 ? 'bad' : ''}`}>${of === 0 ? '0' : html`<${FailedLink} name=${name}>${countText(of)}<//>`}</td>`

const Limits = ({ service: { concurrency, limit } }) => html`
  ${concurrency !== null && html`<div class="limit">${countText(concurrency)} per node</div>`}
  ${limit?.concurrency && html`<div class="limit">${countText(limit.concurrency)} over all nodes</div>`}
  ${limit?.rate && html`<div class="limit">${limit.rate}${limit.burst ? `, burst ${countText(limit.burst)}` : ''}</div>`}
`

function openPause({ name, running, waiting }, after) {
  const send = async ({ reason }) => {
    await change('POST', `/services/${name}/pause`, reason === '' ? {} : { reason })
    tell('good', `${name} is paused.`)
    after()
  }
  openForm({
    title: `Pause ${name}`,
    first: { reason: '' },
    action: `Pause ${name}`,
    kind: 'danger',
    send,
    fields: ({ reason }, set) => html`
      <p>Within 2 s no request of ${name} begins, on any node. ${countText(running)} running and ${countText(waiting)} waiting tasks stay; new ones are accepted and wait.</p>
      <${Field} label="Reason" hint="Shown to everybody who wonders why."><input maxlength="1000" autofocus value=${reason} onInput=${({ target }) => set({ reason: target.value })} /><//>
    `,
  })
}

function openLimit({ name, limit }, after) {
  const first = { concurrency: limit?.concurrency ?? '', rate: limit?.rate ?? '', burst: limit?.burst ?? '' }
  const send = async ({ concurrency, rate, burst }) => {
    const given = {
      ...(concurrency !== '' && { concurrency: Number(concurrency) }),
      ...(rate !== '' && { rate }),
      ...(burst !== '' && { burst: Number(burst) }),
    }
    await change('PATCH', `/services/${name}`, { limit: Object.keys(given).length === 0 ? null : given })
    tell(
      'good',
      Object.keys(given).length === 0 ? `The services file limits ${name} again.` : `The limit of ${name} is set.`,
    )
    after()
  }
  const input = (values, set, field, rest) =>
    html`<input value=${values[field]} onInput=${({ target }) => set({ [field]: target.value.trim() })} ...${rest} />`
  openForm({
    title: `Limit ${name}`,
    first,
    action: 'Set the limit',
    send,
    fields: (values, set) => html`
      <p class="quiet">It counts over all nodes, in place of the limit of the services file. All empty: that of the file counts.</p>
      <${Field} label="Requests at once">${input(values, set, 'concurrency', { type: 'number', min: 1 })}<//>
      <${Field} label="Rate" hint="Requests begun, such as 50/s or 600/m.">${input(values, set, 'rate', { pattern: '[1-9][0-9]*/[smh]' })}<//>
      <${Field} label="Burst" hint="How many may begin together after a rest.">${input(values, set, 'burst', { type: 'number', min: 1 })}<//>
    `,
  })
}
