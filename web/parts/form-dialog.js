// A dialog that asks for something, sends it, and shows what is wrong with it.
import { html, useEffect, useRef, useState } from '../html.js'
import { Dialog, openDialog } from './dialog.js'
import { Faults } from './pieces.js'

/** `send` gets the values, throws what is refused, and may return what is done then; `fields` draws the fields from `(values, set)`. */
export const openForm = (form) => openDialog((close) => html`<${FormDialog} ...${form} close=${close} />`)

function FormDialog({ close, title, first, fields, action, kind = 'primary', send }) {
  const [values, setValues] = useState(first)
  const [state, setState] = useState({ busy: false, error: undefined })
  const there = useRef(true)
  useEffect(() => () => (there.current = false), [])
  const set = (change) => setValues((now) => ({ ...now, ...change }))
  const submit = async () => {
    if (state.busy) return
    setState({ busy: true, error: undefined })
    try {
      const then = await send(values)
      // Who has gone elsewhere meanwhile stays there.
      if (there.current) then?.()
      close()
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
