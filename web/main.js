// The page: its views, the way between them, and what stands around them.
import { attempts, caller, locked, offline, read, token } from './api.js'
import { clock, durationText } from './format.js'
import { html, render, useEffect, useRef, useState } from './html.js'
import { listenToKeys, openHelp } from './keys.js'
import { Bounded } from './parts/bounded.js'
import { closeDialog, DialogHost } from './parts/dialog.js'
import { Notices } from './parts/notices.js'
import { SignIn } from './parts/sign-in.js'
import { route } from './route.js'
import { shared, useShared } from './store.js'
import { Failed } from './views/failed.js'
import { Nodes } from './views/nodes.js'
import { Overview } from './views/overview.js'
import { Schedules } from './views/schedules.js'
import { Services } from './views/services.js'
import { Submit } from './views/submit.js'
import { Task } from './views/task.js'
import { Tasks } from './views/tasks.js'

/** One row a view, in the order of the digits. */
const VIEWS = [
  ['/', 'Overview', Overview],
  ['/tasks', 'Tasks', Tasks],
  ['/failed', 'Failed', Failed],
  ['/services', 'Services', Services],
  ['/schedules', 'Schedules', Schedules],
  ['/nodes', 'Nodes', Nodes],
  ['/submit', 'Submit', Submit],
]
/** How often the page asks again who it is, while it does not know and when it does, ms. */
const RETRY_MS = 2_000
const AGAIN_MS = 60_000
/** The version of the node, where it is not that of the page any more. */
const newer = shared(undefined)

function Page() {
  const { path, parameters } = useShared(route)
  const who = useShared(caller)
  const refusal = useShared(locked)
  useCaller()
  const [, id] = /^\/tasks\/([1-9][0-9]{0,18})$/.exec(path) ?? []
  const [at, name, View] = id
    ? ['/tasks', `Task ${id}`, Task]
    : (VIEWS.find(([one]) => one === path) ?? [undefined, 'Not here', NotHere])
  useEffect(() => {
    document.title = `${name} · task_api`
    // A list goes by itself to where it was left.
    if (!history.state?.list) scrollTo({ top: 0 })
    // What had the focus is gone with its view.
    if (document.activeElement === document.body) document.querySelector('#content').focus()
  }, [name])
  const shown =
    refusal !== undefined
      ? html`<${SignIn} refusal=${refusal} />`
      : who && html`<${Bounded} key=${path}><${View} id=${id} parameters=${parameters} /><//>`
  return html`<a class="skip" href="#content" onClick=${skip}>Skip to the content</a>
    <${Top} at=${at} who=${refusal === undefined ? who : undefined} />
    <${Away} />
    <${Newer} />
    <main id="content" tabindex="-1">${shown ?? html`<p class="quiet loading">Loading…</p>`}</main>
    <${Notices} />
    <${DialogHost} />`
}

const skip = (event) => {
  event.preventDefault()
  document.querySelector('#content').focus()
}

/** Finds out what the caller may do: at once for another token, and again every minute. */
function useCaller() {
  const given = useShared(token)
  const tries = useShared(attempts)
  useEffect(() => {
    const over = new AbortController()
    let timer
    const ask = async () => {
      let wait = AGAIN_MS
      try {
        const who = await read('/caller', { signal: over.signal })
        locked.set(undefined)
        const known = caller.get()
        if (JSON.stringify(known) !== JSON.stringify(who)) caller.set(who)
        if (known && known.version !== who.version) newer.set(who.version)
      } catch (error) {
        if (over.signal.aborted) return
        if (error.status === 403) locked.set(error.message)
        wait = error.status === 401 || error.status === 403 ? 0 : RETRY_MS
      }
      if (wait > 0) timer = setTimeout(ask, wait)
    }
    caller.set(undefined)
    void ask()
    return () => {
      over.abort()
      clearTimeout(timer)
    }
  }, [given, tries])
}

function Top({ at, who }) {
  const zone = useShared(clock)
  const nav = useRef()
  // On a narrow screen the views are a strip.
  useEffect(
    () => nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }),
    [at],
  )
  return html`<header class="top">
    <a class="brand" href="#/">task_api</a>
    <nav ref=${nav} aria-label="Views">
      ${VIEWS.map(([path, name]) => html`<a href=${`#${path}`} aria-current=${path === at ? 'page' : undefined}>${name}</a>`)}
    </nav>
    <div class="tools">
      ${who?.name && html`<span class="who" title=${`Scopes: ${who.scopes.join(', ')}`}>${who.name}</span>`}
      ${token.get() !== '' && html`<button type="button" class="small" onClick=${() => token.set('')}>Sign out</button>`}
      <button type="button" class="small" onClick=${() => clock.set(zone === 'utc' ? 'local' : 'utc')} title="Change the clock" aria-live="polite">${zone === 'utc' ? 'UTC' : 'Local time'}</button>
      <button type="button" class="small" onClick=${openHelp} aria-label="Keys">?</button>
    </div>
  </header>`
}

/** Says that the node does not answer, and for how long. */
function Away() {
  const since = useShared(offline)
  const [, tick] = useState(0)
  useEffect(() => {
    if (since === 0) return undefined
    const timer = setInterval(() => tick((now) => now + 1), 1_000)
    return () => clearInterval(timer)
  }, [since])
  if (since === 0) return null
  return html`<p class="away"><span role="alert">The node does not answer. What is shown may be old. The page tries again by itself.</span> <span aria-hidden="true">${durationText(Date.now() - since)}</span></p>`
}

/** Says that the node serves another page by now. */
function Newer() {
  const version = useShared(newer)
  return version && html`<p class="away" role="status">The node is now version ${version}: reload the page.</p>`
}

const NotHere = () => html`<h1>Not here</h1><p class="empty">The page has no such view. <a href="#/">Overview</a></p>`

// The views know where they were left. The browser would bring a place back too early or too late.
history.scrollRestoration = 'manual'
locked.watch(closeDialog)
listenToKeys(VIEWS.map(([path]) => `#${path}`))
const place = document.querySelector('#page')
place.replaceChildren()
render(html`<${Page} />`, place)
