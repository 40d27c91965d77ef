// Notices: what came of an action, for some seconds in a corner; screen readers say them.
import { html } from '../html.js'
import { shared, useShared } from '../store.js'

const LASTS_MS = { good: 6_000, bad: 15_000 }
const notices = shared([])
let count = 0

/** Shows a notice: `good` or `bad`, a text, and perhaps a link `{href, text}` that leads on. */
export function tell(kind, text, link) {
  const notice = { kind, text, link, id: (count += 1) }
  notices.set([...notices.get(), notice].slice(-4))
  setTimeout(() => dismiss(notice.id), LASTS_MS[kind])
}

const dismiss = (id) => notices.set(notices.get().filter((one) => one.id !== id))

export function Notices() {
  return html`<div class="notices" role="status" aria-live="polite">
    ${useShared(notices).map(
      ({ id, kind, text, link }) =>
        html`<div key=${id} class=${`notice ${kind}`}>
          <span>${text} ${link && html`<a href=${link.href}>${link.text}</a>`}</span>
          <button type="button" class="plain" aria-label="Dismiss" onClick=${() => dismiss(id)}>×</button>
        </div>`,
    )}
  </div>`
}
