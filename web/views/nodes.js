// The nodes that are alive: how busy each is, and whether it is heard of.
import { answeredAt, ask } from '../api.js'
import { countText, durationText } from '../format.js'
import { html } from '../html.js'
import { useLive } from '../live.js'
import { Missing, Status, Time } from '../parts/pieces.js'

const POLL_MS = 4_000
/** A node beats every 2 s, and its lease ends 10 s after a beat. */
export const LATE_MS = 6_000

/** Reads the nodes; `silent` is for how long a node was not heard of when the answer was given, ms. */
export async function readNodes(signal) {
  const answer = await ask('GET', '/nodes', { signal })
  const silent = (beat) => (beat === null ? null : Math.max(0, answeredAt(answer) - Date.parse(beat)))
  return JSON.parse(answer.text).map((node) => ({ ...node, silent: silent(node.beat) }))
}

export const isLate = ({ silent }) => silent !== null && silent > LATE_MS

export function Nodes() {
  const { data, error } = useLive(readNodes, POLL_MS, [])
  return html`<h1>Nodes</h1>
    <${Missing} data=${data} error=${error} what="nodes" />
    ${data?.length === 0 && html`<p class="empty">No node is alive: nothing runs.</p>`}
    ${
      data?.length > 0 &&
      html`<div class="scroll" tabindex="0" role="region" aria-label="Nodes"><table class="list">
      <thead><tr><th>Node</th><th>State</th><th>Slots in use</th><th class="wide">Version</th><th>Since</th><th class="wide">Last beat</th><th class="wide">Services</th></tr></thead>
      <tbody>${data.map((node) => html`<${Node} key=${node.name} node=${node} />`)}</tbody>
    </table></div>`
    }`
}

function Node({ node }) {
  const { name, version, since, silent, slots, running, services } = node
  const late = isLate(node)
  return html`<tr data-row tabindex="-1">
    <td>${name}</td>
    <td><${Status} of=${late ? 'failed' : 'complete'} text=${late ? 'not heard of' : 'alive'} /></td>
    <td>${slots === null ? '–' : html`<meter min="0" max=${slots} value=${running ?? 0} aria-label="Slots in use"></meter> <span class="number">${countText(running ?? 0)} of ${countText(slots)}</span>`}</td>
    <td class="wide">${version ?? '–'}</td>
    <td><${Time} at=${since} short /></td>
    <td class="wide">${silent === null ? '–' : `${durationText(silent)} ago`}</td>
    <td class="wide">${services === null ? '–' : services.length > 6 ? `${services.slice(0, 5).join(', ')} and ${services.length - 5} more` : services.join(', ')}</td>
  </tr>`
}
