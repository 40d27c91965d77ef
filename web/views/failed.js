// What has failed, grouped by service, action and error: a group can be looked at, retried at a rate, or deleted.
import { may, read } from '../api.js'
import { countText, nounText } from '../format.js'
import { html } from '../html.js'
import { useLive } from '../live.js'
import { openBulk } from '../parts/bulk.js'
import { Choice, Missing, TaskLink, TasksLink, Time } from '../parts/pieces.js'
import { go } from '../route.js'
import { useServices } from './tasks.js'

/** The node looks through thousands of errors for an answer. */
const POLL_MS = 15_000
const SINCE = [
  ['1h', 'the last hour'],
  ['24h', 'the last 24 hours'],
  ['7d', 'the last 7 days'],
  ['90d', 'the last 90 days'],
]

export function Failed({ parameters: { since = '24h', service } }) {
  const { data, error, reload } = useLive(
    (signal) => read('/failures', { parameters: { since, service }, signal }),
    POLL_MS,
    [since, service],
  )
  const services = useServices()
  const all = groupsOf(data ?? [])
  const [groups, cancelled] = [
    all.filter(({ code }) => code !== 'cancelled'),
    all.filter(({ code }) => code === 'cancelled'),
  ]
  const set = (change) => go('/failed', { since, service, ...change }, { replace: true })
  return html`<h1>Failed <span class="quiet">${
    data &&
    nounText(
      groups.reduce((sum, { count }) => sum + count, 0),
      'task',
    )
  }</span></h1>
    <div class="filters">
      <${Choice} aria-label="Since" value=${since} set=${(value) => set({ since: value })} options=${SINCE} />
      <${Choice} aria-label="Service" value=${service ?? ''} set=${(value) => set({ service: value })} options=${[['', 'every service'], ...services]} />
      <span class="quiet">Of the newest 10,000 failed tasks, those that nobody has retried.</span>
    </div>
    <${Missing} data=${data} error=${error} what="failures" />
    ${data && groups.length === 0 && html`<p class="empty good">Nothing has failed, or all of it was retried.</p>`}
    ${groups.map((group) => html`<${Group} key=${nameOf(group)} group=${group} after=${reload} />`)}
    ${cancelled.length > 0 && html`<h2>Cancelled <span class="quiet">by somebody</span></h2>`}
    ${cancelled.map((group) => html`<${Group} key=${nameOf(group)} group=${group} after=${reload} />`)}`
}

const nameOf = ({ service, action, code }) => `${service} ${action} ${code}`

/** The kinds of failures by what a filter can name: service, action and code. What the answers said tells them apart within. */
function groupsOf(kinds) {
  const groups = new Map()
  for (const kind of kinds) {
    const { service, action, code, count, first, last } = kind
    const name = nameOf(kind)
    const group = groups.get(name)
    if (!group) groups.set(name, { service, action, code, count, first, last, kinds: [kind] })
    else {
      group.count += count
      group.first = first < group.first ? first : group.first
      group.last = last > group.last ? last : group.last
      group.kinds.push(kind)
    }
  }
  for (const group of groups.values()) group.kinds.sort((one, other) => other.count - one.count)
  return [...groups.values()].sort((one, other) => other.count - one.count)
}

function Group({ group: { service, action, code, count, first, last, kinds }, after }) {
  const filters = { status: 'failed', service, action, error: code, retried: 'false' }
  const acts = may('submit') || may('cancel')
  return html`<article class="group" data-row>
    <header>
      <h2><strong class="count">${countText(count)}</strong> <${TasksLink} filters=${filters}>${service} / ${action}<//> <code>${code}</code></h2>
      <span class="quiet">first <${Time} at=${first} short />, last <${Time} at=${last} short ago />${may('operate') && html` · <a href="#/services">Pause or limit ${service}</a>`}</span>
      ${acts && html`<span class="acts"><${Acts} filters=${filters} after=${after} seen=${count} /></span>`}
    </header>
    <table class="kinds">
      <thead class="hidden"><tr><th>Tasks</th><th>Status</th><th>What it said</th><th>The newest</th>${kinds.length > 1 && acts && html`<th>Actions</th>`}</tr></thead>
      <tbody>
        ${kinds.slice(0, 10).map(
          ({ count: some, status, message, kind, task }) => html`<tr>
            <td class="number">${countText(some)}</td>
            <td class="number quiet">${status ?? '–'}</td>
            <td class="message"><${TasksLink} filters=${{ ...filters, kind }}>${message || 'nothing'}<//></td>
            <td class="number"><${TaskLink} location=${task} /></td>
            ${kinds.length > 1 && acts && html`<td class="acts"><${Acts} filters=${{ ...filters, kind }} after=${after} of=${message} seen=${some} /></td>`}
          </tr>`,
        )}
      </tbody>
    </table>
    ${kinds.length > 10 && html`<p class="quiet">And ${nounText(kinds.length - 10, 'more kind')} of message.</p>`}
  </article>`
}

/** What can be done with a group, or with one kind of it. */
const Acts = ({ filters, after, of, seen }) => html`
  ${may('submit') && html`<button type="button" class=${`small ${of === undefined ? 'primary' : ''}`} title=${of} onClick=${() => openBulk('retry', filters, after, olderThan(seen))}>Retry…</button>`}
  ${may('cancel') && html`<button type="button" class="small" title=${of} onClick=${() => openBulk('delete', filters, after, olderThan(seen))}>Delete…</button>`}
`

/** Says that more match than were shown: a filter knows no time of the end. */
const olderThan = (seen) => (matched) =>
  matched > seen && `${nounText(matched - seen, 'of them was', 'of them were')} not in the group: older ones, or newer.`
