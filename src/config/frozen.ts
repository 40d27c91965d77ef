// Values that cannot be changed any more, all the way down.

/** Freezes a value and everything in it, and returns it. Maps must come from `frozenMap`. */
export function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}

/** A map that throws on every change; its values are frozen too. */
export function frozenMap<K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> {
  const map = new Map<K, V>()
  for (const [key, value] of entries) map.set(key, frozen(value))
  for (const name of ['set', 'delete', 'clear']) Object.defineProperty(map, name, { value: refuse })
  return Object.freeze(map)
}

function refuse(): never {
  throw new TypeError('This map is frozen')
}
