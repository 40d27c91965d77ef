// Small pieces that all views use: statuses, times, links to tasks, states of loading, and faults.
import { Unreachable } from '../api.js'
import { agoText, clock, idOf, timeText } from '../format.js'
import { html } from '../html.js'
import { hrefOf } from '../route.js'
import { useShared } from '../store.js'

/** The status of a task, or the state of something else: a mark and a word, so that colour is not needed. */
export const Status = ({ of, text = of }) => html`<span class=${`status ${of}`}>${text}</span>`

/** A time on the chosen clock; the title has both clocks. `short`: today's without the date. */
export function Time({ at, short = false, ago = false }) {
  useShared(clock)
  if (!at) return html`<span class="quiet">–</span>`
  const title = `${timeText(at, { zone: 'local' })} local · ${timeText(at, { zone: 'utc' })} UTC`
  return html`<time datetime=${at} title=${title}>${timeText(at, { parts: short ? 'short' : 'both' })}${ago && html` <span class="quiet ago">(${agoText(at)})</span>`}</time>`
}

export const TaskLink = ({ location }) =>
  location ? html`<a href=${hrefOf(location)}>${idOf(location)}</a>` : html`<span class="quiet">–</span>`

/** The tasks that have these filters. */
export const TasksLink = ({ filters, children }) => html`<a href=${hrefOf('/tasks', filters)}>${children}</a>`

/** What stands in place of data: it is being loaded, or could not be. Nothing where there is data. */
export function Missing({ data, error, what }) {
  if (data !== undefined)
    return error && !(error instanceof Unreachable) ? html`<p class="warning" role="alert">${error.message}</p>` : null
  if (error === undefined) return html`<p class="quiet loading">Loading ${what}…</p>`
  if (error.status === 403) return html`<p class="empty">The key may not see ${what}: ${error.message}</p>`
  return html`<p class="warning" role="alert">${what[0].toUpperCase() + what.slice(1)} cannot be shown: ${error.message}</p>`
}

/** What is wrong with what was sent. */
export const Faults = ({ error }) =>
  error &&
  html`<div class="faults" role="alert">
    ${error.faults?.length > 0 ? '' : html`<p>${error.message}</p>`}
    ${error.faults?.length > 0 && html`<ul>${error.faults.map(({ pointer, parameter, detail }) => html`<li><code>${pointer ?? parameter}</code> ${detail}</li>`)}</ul>`}
  </div>`

const RFC_3339 = /(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)/

/** A sentence of the node, with its times on the chosen clock. */
export const Sentence = ({ text }) =>
  text.split(RFC_3339).map((part, i) => (i % 2 === 1 ? html`<${Time} at=${part} short />` : part))

/** A name and what belongs to it. */
export const Fact = ({ name, children }) => html`<div class="fact"><dt>${name}</dt><dd>${children}</dd></div>`

/** A field of a form: the label is bound to its input. */
export const Field = ({ label, hint, children }) =>
  html`<label class="field"><span>${label}</span>${children}${hint && html`<small class="quiet">${hint}</small>`}</label>`

/** A choice of one; `options` are values, or pairs of value and text. */
export const Choice = ({ options, value, set, ...rest }) =>
  html`<select value=${value} onChange=${({ target }) => set(target.value)} ...${rest}>
    ${options.map((option) => {
      const [one, text] = Array.isArray(option) ? option : [option, option]
      return html`<option value=${one} selected=${one === value}>${text}</option>`
    })}
  </select>`
