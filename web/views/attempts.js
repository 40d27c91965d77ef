// The tries of a task as a timeline: when each began, how long it took, and what came.
import { durationText, nounText } from '../format.js'
import { html, useState } from '../html.js'
import { Time } from '../parts/pieces.js'

/** The most tries that are shown at first: the newest. */
const SHOWN = 50

export function Attempts({ attempts: { all, more }, task }) {
  const [shown, setShown] = useState(SHOWN)
  const skipped = Math.max(0, all.length - shown)
  const visible = all.slice(skipped)
  if (all.length === 0)
    return html`<section aria-label="Tries"><h2>Tries</h2><p class="quiet">${task.startedAt ? 'No try is kept. Which are kept says `attemptLog` of the service: by default those that were answered, but not 200 or 206.' : 'None yet.'}</p></section>`
  const begin = Date.parse(visible[0].startedAt)
  const end = Math.max(...visible.map(({ startedAt, ms }) => Date.parse(startedAt) + ms), begin + 1)
  return html`<section aria-label="Tries">
    <h2>Tries <span class="quiet">${nounText(all.length, 'kept', 'kept')}${more ? ', and more' : ''}, over ${durationText(end - begin)}</span></h2>
    ${skipped > 0 && html`<p><button type="button" class="small" onClick=${() => setShown(shown + 200)}>${nounText(skipped, 'earlier try', 'earlier tries')}</button></p>`}
    <ol class="timeline">
      ${visible.map((one) => html`<${Attempt} key=${`${one.step}-${one.attempt}-${one.startedAt}`} one=${one} begin=${begin} span=${end - begin} alone=${visible.length === 1} />`)}
    </ol>
  </section>`
}

function Attempt({ one, begin, span, alone }) {
  const { step, attempt, startedAt, ms, node, outcome, detail, waitMs, body } = one
  const left = ((Date.parse(startedAt) - begin) / span) * 100
  const width = Math.max((ms / span) * 100, 0.6)
  // What the status and the body of an answer say needs no words.
  const said = body && /^\d+$/.test(outcome) ? '' : detail
  const kind = outcome === '200' ? 'complete' : outcome === '206' ? 'pending' : 'failed'
  return html`<li>
    <div class="try">
      <span>step ${step}${attempt > 1 ? `, try ${attempt}` : ''}</span>
      <${Time} at=${startedAt} short />
      <span class=${`status ${kind}`}>${outcome}</span>
      <span class="number">${durationText(ms)}</span>
      ${alone ? html`<span></span>` : html`<svg class="span" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class=${`bar-${kind}`} x=${Math.min(left, 99.4)} y="2" width=${Math.min(width, 100 - Math.min(left, 99.4))} height="6" /></svg>`}
      <span class="quiet wide">${node}</span>
    </div>
    ${(said || waitMs > 0) && html`<p class="try-detail">${said}${waitMs > 0 && html` <span class="quiet">then a wait of ${durationText(waitMs)}</span>`}</p>`}
    ${body && html`<details><summary>The answer</summary><pre class="body" tabindex="0">${body}</pre></details>`}
  </li>`
}
