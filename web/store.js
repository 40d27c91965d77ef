// Values that several parts of the page show: who changes one tells all who show it.
import { useEffect, useState } from './html.js'

/** A value that can be watched. */
export function shared(value) {
  const watchers = new Set()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const watcher of [...watchers]) watcher(next)
    },
    watch(watcher) {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
  }
}

/** The value now; the component is drawn again whenever it changes. */
export function useShared(one) {
  const [value, set] = useState(one.get())
  useEffect(() => {
    set(one.get())
    return one.watch(set)
  }, [one])
  return value
}

/** A shared value that the browser keeps, as text. Where the browser keeps nothing, it lasts as long as the page. */
export function kept(storage, name, first) {
  const one = shared(read(storage, name) ?? first)
  one.watch((value) => {
    try {
      if (value === first) storage().removeItem(name)
      else storage().setItem(name, value)
    } catch {
      // Storage is switched off.
    }
  })
  return one
}

function read(storage, name) {
  try {
    return storage().getItem(name) ?? undefined
  } catch {
    return undefined
  }
}
