// The rows of the list of tasks: the first page again and again while nobody reads, further pages when they are asked for.
import { ask } from '../api.js'
import { useEffect, useRef, useState } from '../html.js'
import { useLive } from '../live.js'

const POLL_MS = 3_000
const PAGE = 50
/** How far down the list counts as being read, px. */
const READING = 240
/** How many rows that have not ended are read again by their ids. */
const REFRESHED = 200
/** A page of a filter may be empty and lead on: so many are looked through at once. */
const EMPTY_PAGES = 20
/** The list that was left last: who goes back to it finds it as it was. */
let left = {}
/** Whether the browser has gone back to that list. Only an entry of its history that was a list before has such a state. */
const isLeft = (asked) => history.state?.list === true && left.asked === asked
/** What is read stays where it is: a row under the pointer or with the focus, an open dialog. */
const READ = 'dialog[open], .list tbody:hover, [data-row]:focus-within'

/**
 * `rows` newest first; `held`: how many new ones wait for `show`; `more`: loads the next page, where there may be one; `fault` is what
 * went wrong with that. While a person reads, or `chosen` says that something is selected, rows change but none comes or goes.
 */
export function useTasks(parameters, chosen) {
  const asked = JSON.stringify(parameters)
  const [list, setList] = useState(() => (isLeft(asked) ? left : {}))
  const latest = useRef()
  latest.current = list.asked === asked ? list : { asked, rows: undefined, next: undefined, held: 0 }
  const shown = latest.current
  const set = (change) => setList((latest.current = { ...latest.current, ...change }))
  const forced = useRef(false)
  const over = useRef(new AbortController())
  useEffect(() => {
    over.current = new AbortController()
    scrollTo({ top: isLeft(asked) ? left.top : 0 })
    history.replaceState({ list: true }, '')
    // The browser goes to the top as soon as the address changes: until then it is noted where the rows stand.
    let top = scrollY
    const note = () => (top = scrollY)
    const leave = () => removeEventListener('scroll', note)
    addEventListener('scroll', note)
    addEventListener('hashchange', leave, true)
    return () => {
      leave()
      removeEventListener('hashchange', leave, true)
      over.current.abort()
      left = { ...latest.current, loading: false, top }
    }
  }, [asked])

  const { error, reload } = useLive(
    async (signal) => {
      const page = await pageOf('/tasks', { ...parameters, view: 'brief', limit: PAGE }, signal)
      const before = latest.current.asked === asked ? latest.current.rows : undefined
      const reading =
        before &&
        !forced.current &&
        (scrollY > READING || chosen.current || latest.current.loading || document.querySelector(READ))
      forced.current = false
      if (!reading)
        return void set({ asked, rows: renewed(before, page.rows), next: page.next, held: 0, fault: undefined })
      const [newest] = before
      const fresh = page.rows.filter((row) => newest === undefined || numberOf(row) > numberOf(newest))
      const known = new Set(page.rows.map(({ location }) => location))
      const others = await openOf(
        before.filter((row) => !known.has(row.location)),
        signal,
      )
      const changed = new Map([...page.rows, ...others].map((row) => [row.location, row]))
      const now = latest.current.rows ?? []
      set({
        rows: renewed(
          now,
          now.map((row) => changed.get(row.location) ?? row),
        ),
        held: fresh.length,
      })
    },
    POLL_MS,
    [asked],
  )
  const more = async () => {
    if (shown.loading || !shown.next) return
    const { signal } = over.current
    set({ loading: true })
    try {
      let page = await pageOf(shown.next, {}, signal)
      for (let looked = 0; page.rows.length === 0 && page.next && looked < EMPTY_PAGES; looked += 1)
        page = await pageOf(page.next, {}, signal)
      const known = new Set(latest.current.rows.map(({ location }) => location))
      const rows = [...latest.current.rows, ...page.rows.filter(({ location }) => !known.has(location))]
      if (!signal.aborted) set({ rows, next: page.next, loading: false, fault: undefined })
    } catch (fault) {
      if (!signal.aborted) set({ fault, loading: false })
    }
  }
  const show = () => {
    forced.current = true
    scrollTo({ top: 0 })
    reload()
  }
  return { ...shown, error, reload, more: shown.next && more, show, full: PAGE }
}

/** Reads a page: its rows, and the path of the next page. */
async function pageOf(path, parameters, signal) {
  const { text, next } = await ask('GET', path, { parameters, signal })
  return { rows: JSON.parse(text), next }
}

/** Reads those again that have not ended. */
async function openOf(rows, signal) {
  const open = rows.filter(({ status }) => status === 'pending' || status === 'running').slice(0, REFRESHED)
  if (open.length === 0) return []
  return (
    await pageOf('/tasks', { ids: open.map(({ location }) => location.slice(7)).join(','), view: 'brief' }, signal)
  ).rows
}

const numberOf = ({ location }) => BigInt(location.slice(7))
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other)

/** The new rows; a row that has not changed stays the same object, and is not drawn again. */
function renewed(before = [], rows) {
  const known = new Map(before.map((row) => [row.location, row]))
  return rows.map((row) => (same(known.get(row.location), row) ? known.get(row.location) : row))
}
