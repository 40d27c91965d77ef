// Dialogs: one at a time, above the page. The browser keeps the focus within, and gives it back.
import { html, useEffect, useRef } from '../html.js'
import { route } from '../route.js'
import { shared, useShared } from '../store.js'

const shown = shared(undefined)

/** Opens a dialog: a function that draws what it has. It hears how to close this dialog, and no later one. */
export function openDialog(draw) {
  const dialog = { draw: () => draw(() => shown.get() === dialog && shown.set(undefined)) }
  shown.set(dialog)
}
export const closeDialog = () => shown.set(undefined)
// A dialog belongs to its view.
route.watch(closeDialog)

export function DialogHost() {
  const dialog = useShared(shown)
  return dialog && html`<${Shown} key=${dialog} draw=${dialog.draw} />`
}

function Shown({ draw }) {
  const element = useRef()
  useEffect(() => {
    const { current } = element
    current.showModal()
    // Closed before it is taken away, it gives the focus back.
    return () => current.close()
  }, [])
  return html`<dialog ref=${element} aria-labelledby="dialog-title" onClose=${closeDialog}>${draw()}</dialog>`
}

/** What a dialog looks like: a title, the content as a form, and buttons. `send` is called when the form is sent, `stop` ends what it began. */
export function Dialog({ title, children, buttons, send, stop }) {
  const submit = (event) => {
    event.preventDefault()
    send?.()
  }
  return html`<form class="dialog" onSubmit=${submit}>
    <h2 id="dialog-title">${title}</h2>
    ${children}
    <div class="dialog-buttons">
      ${stop ? html`<button type="button" onClick=${stop}>Stop</button>` : html`<button type="button" onClick=${closeDialog}>${send ? 'Back' : 'Close'}</button>`}
      ${buttons}
    </div>
  </form>`
}
