// What keeps a view up to date: one request, again and again, and none while nobody looks.
import { Unreachable } from './api.js'
import { useEffect, useRef, useState } from './html.js'

/** Between two tries while the node does not answer, ms. */
const AWAY_MS = 2_000

/**
 * Loads now, and every so many ms while the page is visible. `load` gets an AbortSignal. What was loaded stays shown while a later
 * load fails; `error` says why. With other `inputs` all begins anew. `every` may be a function of what was loaded; 0: not again.
 */
export function useLive(load, every, inputs) {
  const [state, set] = useState({ data: undefined, error: undefined })
  const latest = useRef(load)
  latest.current = load
  const again = useRef(() => {})
  useEffect(() => {
    const over = new AbortController()
    let timer
    let busy = false
    let anew = false
    let data
    set({ data: undefined, error: undefined })
    const plan = (ms) => {
      clearTimeout(timer)
      if (ms > 0 && !over.signal.aborted) timer = setTimeout(run, ms)
    }
    async function run() {
      if (over.signal.aborted || document.hidden) return
      if (busy) return void (anew = true)
      busy = true
      anew = false
      let wait
      try {
        data = await latest.current(over.signal, data)
        if (!over.signal.aborted) set({ data, error: undefined })
        wait = typeof every === 'function' ? every(data) : every
      } catch (error) {
        if (!over.signal.aborted) set({ data, error })
        const usual = typeof every === 'function' ? 0 : every
        wait = error instanceof Unreachable ? AWAY_MS : Math.max(AWAY_MS, usual, (error.retryAfter ?? 0) * 1_000)
      }
      busy = false
      plan(anew ? 1 : wait)
    }
    const seen = () => document.hidden || void run()
    document.addEventListener('visibilitychange', seen)
    again.current = run
    void run()
    return () => {
      over.abort()
      clearTimeout(timer)
      document.removeEventListener('visibilitychange', seen)
    }
  }, inputs)
  return { ...state, reload: () => again.current() }
}
