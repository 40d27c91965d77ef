// A dialog that asks for something, sends it, and shows what is wrong with it.
import { html, useState } from '../html.js'
import { closeDialog, Dialog } from './dialog.js'
import { Faults } from './pieces.js'

/** `send` gets the values and throws what is refused; `fields` draws the fields from `(values, set)`. */
export function FormDialog({ title, first, fields, action, kind = 'primary', send }) {
  const [values, setValues] = useState(first)
  const [state, setState] = useState({ busy: false, error: undefined })
  const set = (change) => setValues((now) => ({ ...now, ...change }))
  const submit = async () => {
    if (state.busy) return
    setState({ busy: true, error: undefined })
    try {
      await send(values)
      closeDialog()
    } catch (error) {
      setState({ busy: false, error })
    }
  }
  return html`<${Dialog}
    title=${title}
    send=${submit}
    buttons=${html`<button type="submit" class=${kind} disabled=${state.busy}>${action}</button>`}
  >
    ${fields(values, set)}
    <${Faults} error=${state.error} />
  <//>`
}
