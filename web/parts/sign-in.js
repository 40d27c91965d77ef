// Asks for the token of a key. It is kept for this tab alone.
import { attempts, locked, token } from '../api.js'
import { html, useState } from '../html.js'
import { Field } from './pieces.js'

export function SignIn({ refusal }) {
  const [text, setText] = useState('')
  const send = (event) => {
    event.preventDefault()
    const given = text.trim()
    locked.set(undefined)
    token.set(given)
    attempts.set(attempts.get() + 1)
  }
  return html`<form class="sign-in" onSubmit=${send}>
    <h1>Sign in</h1>
    <p class="quiet" role="status">${token.get() === '' ? 'This task_api wants a key.' : refusal}</p>
    <${Field} label="Token" hint="It is kept for this tab, and sent to this server only.">
      <input type="password" autocomplete="off" autofocus required pattern="\\s*tk_[A-Za-z0-9_\\-]+\\s*" placeholder="tk_…" value=${text} onInput=${({ target }) => setText(target.value)} />
    <//>
    <p><button type="submit" class="primary">Sign in</button></p>
  </form>`
}
