// The keyboard: `/` to search, `j` and `k` through the rows, Enter opens, `x` selects, digits go to the views, `?` tells all this.
import { html } from './html.js'
import { Dialog, openDialog } from './parts/dialog.js'

const rows = () => [...document.querySelectorAll('[data-row]')]

/** Where the focus was last, in case its row has gone. */
let last = -1

/** Moves the focus to the link of another row, or to the row. */
function move(by) {
  const all = rows()
  const found = all.findIndex((row) => row.contains(document.activeElement))
  const at = found === -1 && document.activeElement === document.body ? Math.min(last, all.length - 1) : found
  const row = all[at === -1 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]
  last = all.indexOf(row)
  ;(row?.querySelector('a[href]') ?? row)?.focus()
  row?.scrollIntoView({ block: 'nearest' })
}

/** So many frames the search may take to be drawn: some 5 s. */
const FRAMES = 300

/** The search is on the view of tasks. */
function find() {
  if (!document.querySelector('[data-search]')) location.hash = '#/tasks'
  focusSearch(FRAMES)
}

function focusSearch(frames) {
  const search = document.querySelector('[data-search]')
  if (search) search.focus()
  else if (frames > 0) requestAnimationFrame(() => focusSearch(frames - 1))
}

const KEYS = {
  '/': ['Find tasks', find],
  j: ['Next row', () => move(1)],
  k: ['Row before', () => move(-1)],
  Enter: ['Open the row', undefined],
  x: [
    'Select the row',
    () => document.activeElement?.closest('[data-row]')?.querySelector('input[type=checkbox]')?.click(),
  ],
  '?': ['Show the keys', openHelp],
}

/** Listens to the keyboard; `views` are the paths that the digits go to. */
export function listenToKeys(views) {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    if (event.target.closest('input, textarea, select, [contenteditable]')) {
      if (event.key === 'Escape') event.target.blur()
      return
    }
    const view = views[Number(event.key) - 1]
    const act = view ? () => (location.hash = view) : KEYS[event.key]?.[1]
    if (!act) return
    event.preventDefault()
    act()
  })
}

export function openHelp() {
  openDialog(
    () => html`<${Dialog} title="Keys">
    <dl class="facts">
      ${Object.entries(KEYS).map(([key, [meaning]]) => html`<div class="fact"><dt><kbd>${key}</kbd></dt><dd>${meaning}</dd></div>`)}
      <div class="fact"><dt><kbd>1</kbd> to <kbd>7</kbd></dt><dd>Go to a view</dd></div>
      <div class="fact"><dt><kbd>Esc</kbd></dt><dd>Leave a field, close a dialog</dd></div>
    </dl>
  <//>`,
  )
}
