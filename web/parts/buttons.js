// Buttons: one that copies, and one that acts and says what came of it.
import { html, useState } from '../html.js'
import { tell } from './notices.js'

/** Copies a text. Without TLS a browser has no clipboard for pages; then the text is copied as a selection. */
export function CopyButton({ text, label = 'Copy', tag = 'Copy' }) {
  const [said, say] = useState(tag)
  const copy = async () => {
    say((await copied(text)) ? 'Copied' : 'Not copied')
    setTimeout(say, 2_000, tag)
  }
  return html`<button type="button" class="small" aria-label=${label} onClick=${copy}><span role="status">${said}</span></button>`
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const area = document.createElement('textarea')
    area.value = text
    const place = document.querySelector('dialog[open]') ?? document.body
    place.append(area)
    area.select()
    const done = document.execCommand('copy')
    area.remove()
    return done
  }
}

/** A button that does something at once: disabled while it does, and a notice when it is done or refused. */
export function ActButton({ act, done, children, kind = '', small = true, ...rest }) {
  const [busy, setBusy] = useState(false)
  const click = async (event) => {
    // The second click of a double click.
    if (event.detail > 1) return
    setBusy(true)
    try {
      const message = await act()
      if (message) tell('good', message)
      done?.()
    } catch (error) {
      tell('bad', error.message)
    }
    setBusy(false)
  }
  return html`<button type="button" class=${`${small ? 'small ' : ''}${kind}`} disabled=${busy} onClick=${click} ...${rest}>${children}</button>`
}
