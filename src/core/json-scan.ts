// Skips JSON values in bytes, and finds where text is no JSON. It never builds values.

const QUOTE = 0x22
export const COMMA = 0x2c
const MINUS = 0x2d
const COLON = 0x3a
export const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
export const CLOSE_ARRAY = 0x5d
const LETTER_U = 0x75
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

const ESCAPES = new Set(Buffer.from('"\\/bfnrt'))
const LITERALS = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]))

// A scan returns the offset after what it read, or one of these negative values.
export const TOO_DEEP = -1
export const malformed = (at: number): number => -2 - at

export function skipText(bytes: Uint8Array, maxDepth: number): number {
  const end = skipValue(bytes, skipSpace(bytes, 0), [], maxDepth)
  if (end < 0) return end
  const at = skipSpace(bytes, end)
  return at === bytes.length ? at : malformed(at)
}

/** Skips a value, at most `maxDepth` containers deep. `open` is a buffer for the closing bytes of open containers. */
export function skipValue(bytes: Uint8Array, start: number, open: number[], maxDepth: number): number {
  let at = start
  let depth = 0
  for (;;) {
    const first = bytes[at] ?? 0
    if (first === QUOTE) {
      at = skipString(bytes, at + 1)
      if (at < 0) return at
    } else if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth === maxDepth) return TOO_DEEP
      const close = first === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY
      at = skipSpace(bytes, at + 1)
      if (bytes[at] !== close) {
        open[depth++] = close
        if (close === CLOSE_OBJECT) at = skipName(bytes, at)
        if (at < 0) return at
        continue
      }
      at++
    } else {
      at = skipScalar(bytes, at)
      if (at < 0) return at
    }

    // A value has ended. Closes the containers that end here, until a comma shows that another value follows.
    for (;;) {
      if (depth === 0) return at
      at = skipSpace(bytes, at)
      const close = open[depth - 1]
      if (bytes[at] === COMMA) {
        at = skipSpace(bytes, at + 1)
        if (close === CLOSE_OBJECT) at = skipName(bytes, at)
        if (at < 0) return at
        break
      }
      if (bytes[at] !== close) return malformed(at)
      at++
      depth--
    }
  }
}

/** Skips the name of a member, the colon, and the whitespace around the colon. */
export function skipName(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== QUOTE) return malformed(start)
  const end = skipString(bytes, start + 1)
  if (end < 0) return end
  const at = skipSpace(bytes, end)
  return bytes[at] === COLON ? skipSpace(bytes, at + 1) : malformed(at)
}

/** Skips the rest of a string. Its opening quote is right before `start`. */
export function skipString(bytes: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    // After the end the byte reads as 0, which is not allowed in a string.
    const byte = bytes[at] ?? 0
    if (byte === QUOTE) return at + 1
    if (byte < 0x20) return malformed(at)
    if (byte !== BACKSLASH) {
      at++
      continue
    }
    const escape = bytes[at + 1] ?? 0
    if (escape === LETTER_U) {
      for (let i = at + 2; i < at + 6; i++) if (!isHex(bytes[i] ?? 0)) return malformed(i)
      at += 6
    } else {
      if (!ESCAPES.has(escape)) return malformed(at + 1)
      at += 2
    }
  }
}

function skipScalar(bytes: Uint8Array, start: number): number {
  const first = bytes[start] ?? 0
  if (first === MINUS || isDigit(first)) return skipNumber(bytes, start)
  const word = LITERALS.get(first)
  if (word === undefined) return malformed(start)
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return malformed(start + i)
  return start + word.length
}

function skipNumber(bytes: Uint8Array, start: number): number {
  let at = bytes[start] === MINUS ? start + 1 : start
  const whole = at
  at = skipDigits(bytes, at)
  if (at === whole) return malformed(at)
  // A leading zero stands alone.
  if (bytes[whole] === 0x30 && at > whole + 1) return malformed(whole + 1)
  if (bytes[at] === 0x2e) {
    const fraction = at + 1
    at = skipDigits(bytes, fraction)
    if (at === fraction) return malformed(at)
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    const sign = bytes[at + 1]
    const exponent = sign === 0x2b || sign === MINUS ? at + 2 : at + 1
    at = skipDigits(bytes, exponent)
    if (at === exponent) return malformed(at)
  }
  return at
}

function skipDigits(bytes: Uint8Array, start: number): number {
  let at = start
  while (isDigit(bytes[at] ?? 0)) at++
  return at
}

export function skipSpace(bytes: Uint8Array, start: number): number {
  let at = start
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

const isHex = (byte: number): boolean =>
  isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66)
