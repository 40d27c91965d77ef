// The rule for ENCRYPTION_KEYS: keys of 32 bytes, each one once.
import type { Rule } from './rules.ts'

/** 32 bytes in base64: its last character but one has four bits. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/

/** Keys in base64, in the order in which they are given. */
export const encryptionKeys: Rule<readonly string[]> = {
  expected: 'keys of 32 bytes in base64 (openssl rand -base64 32), commas between them, each one once',
  parse: (text) => {
    const keys = text.split(',').map((key) => key.trim())
    return keys.every((key) => KEY.test(key)) && new Set(keys).size === keys.length ? keys : undefined
  },
}
