// A task: what it does or why it does nothing, its tries, what it was given and what came of it, and what can be done.
import { ask, may, read } from '../api.js'
import { idOf } from '../format.js'
import { html } from '../html.js'
import { membersOf } from '../json.js'
import { useLive } from '../live.js'
import { Json } from '../parts/json-view.js'
import { Fact, Missing, Sentence, Status, TaskLink, TasksLink, Time } from '../parts/pieces.js'
import { Attempts } from './attempts.js'
import { TaskActions } from './task-actions.js'

const POLL_MS = 1_500
/** A task that has ended may still be retried or deleted by somebody else. */
const ENDED_POLL_MS = 10_000
/** The most pages of tries that are read: 5,000 tries. */
const PAGES = 5

const hasEnded = ({ task }) => task.status === 'complete' || task.status === 'failed'

/** Reads a task, with its tries, where something has changed, and what explains it while it has not ended. */
async function load(location, signal, before) {
  const brief = (await ask('GET', location, { parameters: { view: 'brief' }, signal })).text
  const same = before?.brief === brief
  if (same && hasEnded(before)) return before
  const explained = async (task) => (hasEnded({ task }) ? [] : (await read(`${location}/explain`, { signal })).reasons)
  if (same) return { ...before, explained: await explained(before.task) }
  const { text } = await ask('GET', location, { parameters: { view: 'full' }, signal })
  const task = JSON.parse(text)
  const attempts = await attemptsOf(location, signal)
  return { brief, task, texts: membersOf(text), explained: await explained(task), attempts }
}

async function attemptsOf(location, signal) {
  const attempts = []
  let path = `${location}/attempts?limit=1000`
  for (let page = 0; path && page < PAGES; page += 1) {
    const { text, next } = await ask('GET', path, { signal })
    attempts.push(...JSON.parse(text))
    path = next
  }
  return { all: attempts, more: path !== undefined }
}

/** The whole view. */
export function Task({ id }) {
  return html`<${Followed} location=${`/tasks/${id}`} />`
}

/** A task that is followed while it runs; also below the form that has submitted it. */
export function Followed({ location }) {
  const { data, error, reload } = useLive(
    (signal, before) => load(location, signal, before),
    (now) => (now && hasEnded(now) ? ENDED_POLL_MS : POLL_MS),
    [location],
  )
  if (error?.status === 404)
    return html`<h1>Task ${idOf(location)}</h1><p class="empty">There is no task ${idOf(location)}${data ? ' any more: it was deleted' : ''}. <a href="#/tasks">All tasks</a></p>`
  if (!data) return html`<h1>Task ${idOf(location)}</h1><${Missing} data=${data} error=${error} what="the task" />`
  const { task, texts, explained, attempts } = data
  return html`<header class="task-head">
      <h1>Task ${idOf(location)} <${Status} of=${task.status} /></h1>
      <p class="task-what"><${TasksLink} filters=${{ service: task.service }}>${task.service}<//> / <${TasksLink} filters=${{ service: task.service, action: task.action }}>${task.action}<//></p>
      <${TaskActions} task=${task} texts=${texts} after=${reload} />
    </header>
    <${Missing} data=${data} error=${error} what="the task" />
    ${task.cannotDecrypt && html`<p class="warning">This node cannot decrypt ${task.cannotDecrypt.join(', ')}: ENCRYPTION_KEYS lacks the key.</p>`}
    <${Explained} reasons=${explained} />
    <${End} task=${task} texts=${texts} />
    <${Facts} task=${task} />
    <${Attempts} attempts=${attempts} task=${task} />
    <section aria-label="Payload"><h2>Payload</h2><${Json} text=${texts.get('payload')} name="payload" /></section>
    ${
      !isNothing(texts.get('state')) &&
      html`<section aria-label="State"><h2>State <span class="quiet">the payload of the next request, after step ${task.step}</span></h2><${Json} text=${texts.get('state')} name="state" /></section>`
    }`
}

const isNothing = (text) => text === undefined || text === 'null'

/** Why it does not run, or what it does, in words. */
const Explained = ({ reasons }) =>
  reasons.length > 0 &&
  html`<section class="explained" aria-label="Explanation">
    ${reasons.map(({ code, detail, until }) => html`<p><code>${code}</code> <${Sentence} text=${detail} />${until && html` Until <${Time} at=${until} ago />.`}</p>`)}
  </section>`

/** The result, or the error. */
function End({ task, texts }) {
  if (task.status === 'complete')
    return html`<section aria-label="Result"><h2>Result</h2>${
      task.resultOmitted
        ? html`<p class="empty">The result was too large to keep.</p>`
        : texts.has('result')
          ? html`<${Json} text=${texts.get('result')} name="result" />`
          : html`<p class="empty">The service answered with an empty body.</p>`
    }</section>`
  const error = task.status === 'failed' ? task.error : task.lastError
  if (!error) return null
  return html`<section aria-label="Error">
    <h2>${task.status === 'failed' ? 'Error' : 'Last error'}</h2>
    <div class=${task.status === 'failed' ? 'failure' : 'trouble'}>
      <p><code>${error.code}</code>${error.status ? html` <span class="label">HTTP ${error.status}</span>` : ''} ${error.detail}</p>
      ${error.body && html`<pre class="body" tabindex="0" aria-label="The body of the answer">${error.body}</pre>`}
    </div>
  </section>`
}

function Facts({ task }) {
  const { labels, callback } = task
  const row = (name, value) => value !== null && value !== undefined && html`<${Fact} name=${name}>${value}<//>`
  const time = (name, at) => at && html`<${Fact} name=${name}><${Time} at=${at} ago /><//>`
  const link = (name, at) => at && html`<${Fact} name=${name}><${TaskLink} location=${at} /><//>`
  return html`<dl class="facts">
    ${time('Created', task.createdAt)} ${time('Started', task.startedAt)} ${time('Ended', task.finishedAt)}
    ${!task.finishedAt && time('Due', task.runAt)} ${!task.finishedAt && time('Deadline', task.deadlineAt)}
    ${row('Step', task.step)} ${task.attempt > 0 && row('Attempt', task.attempt)} ${task.fails > 0 && row('Failed tries', task.fails)}
    ${row('Priority', task.priority)} ${row('Caller', task.caller)} ${row('Unique', task.unique)}
    ${task.schedule && html`<${Fact} name="Schedule"><${TasksLink} filters=${{ schedule: task.schedule }}>${task.schedule}<//><//>`}
    ${callback && row('Callback', `${callback.service} / ${callback.action}${callback.on ? ` on ${callback.on}` : ''}`)}
    ${link('Retry of', task.retryOf)} ${link('Retried as', task.retriedAs)} ${link('Callback of', task.callbackOf)}
    ${
      labels &&
      html`<${Fact} name="Labels">${Object.entries(labels).map(([name, value]) => html`<${TasksLink} filters=${{ [`label.${name}`]: value }}><span class="label">${name}=${value}</span><//> `)}<//>`
    }
  </dl>`
}
