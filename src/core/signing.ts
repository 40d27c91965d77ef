// The signature of a request by Standard Webhooks: the secrets, and the header fields that a request carries.
import { createHmac } from 'node:crypto'

/** How a secret begins; base64 of the key follows. */
const PREFIX = 'whsec_'
/** How long a key may be, bytes. */
const KEY_BYTES = { least: 24, most: 64 }

/** What a secret must be, in words. */
export const A_SIGNING_SECRET = `${PREFIX} and base64 of ${KEY_BYTES.least} to ${KEY_BYTES.most} bytes`
/** The pattern of a secret, for editors. */
export const SIGNING_SECRET_PATTERN = `^${PREFIX}[A-Za-z0-9+/]+={0,2}$`
/** The header fields of a signature. */
export const SIGNATURE_HEADERS = ['Webhook-Id', 'Webhook-Timestamp', 'Webhook-Signature'] as const

/** The key of a secret; undefined: the text is no secret. */
export function signingKeyOf(secret: string): Buffer | undefined {
  const base64 = secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : ''
  const key = Buffer.from(base64, 'base64')
  // Node passes over what is not base64: only the text that stands for these bytes counts.
  const isExact = key.toString('base64') === base64
  return isExact && key.length >= KEY_BYTES.least && key.length <= KEY_BYTES.most ? key : undefined
}

/** What is signed. */
export interface Signed {
  /** The same for each try of one step. */
  readonly id: string
  /** When the try began, ms since 1970. */
  readonly at: number
  /** Text, which is sent and signed as UTF-8. */
  readonly body: string
}

/** The header fields, names and values alternating: one signature for each key. */
export function signatureFields(keys: readonly Uint8Array[], { id, at, body }: Signed): string[] {
  const timestamp = String(Math.floor(at / 1000))
  const signatures = keys.map((key) => {
    const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body, 'utf8')
    return `v1,${hmac.digest('base64')}`
  })
  return ['webhook-id', id, 'webhook-timestamp', timestamp, 'webhook-signature', signatures.join(' ')]
}
