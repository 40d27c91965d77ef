// Keeps a fault of one view from the rest of the page.
import { Component, html } from '../html.js'

export class Bounded extends Component {
  static getDerivedStateFromError = (error) => ({ error })

  render({ children }, { error }) {
    if (!error) return children
    return html`<h1>This view has failed</h1><p class="warning" role="alert">${String(error)}</p><p><a href="#/">Overview</a></p>`
  }
}
