// Dialogs: one at a time, above the page. The browser keeps the focus within, and gives it back.
import { html, useEffect, useRef } from '../html.js'
import { route } from '../route.js'
import { shared, useShared } from '../store.js'

const shown = shared(undefined)

/** Opens a dialog: a function that draws what it has. */
export const openDialog = (draw) => shown.set({ draw })
export const closeDialog = () => shown.set(undefined)
// A dialog belongs to its view.
route.watch(closeDialog)

export function DialogHost() {
  const dialog = useShared(shown)
  const element = useRef()
  useEffect(() => {
    if (dialog) element.current?.showModal()
  }, [dialog])
  if (!dialog) return null
  return html`<dialog ref=${element} aria-labelledby="dialog-title" onClose=${closeDialog}>${dialog.draw()}</dialog>`
}

/** What a dialog looks like: a title, the content as a form, and buttons. `send` is called when the form is sent. */
export function Dialog({ title, children, buttons, send }) {
  const submit = (event) => {
    event.preventDefault()
    send?.()
  }
  return html`<form class="dialog" onSubmit=${submit}>
    <h2 id="dialog-title">${title}</h2>
    ${children}
    <div class="dialog-buttons">
      <button type="button" onClick=${closeDialog}>${send ? 'Back' : 'Close'}</button>
      ${buttons}
    </div>
  </form>`
}
