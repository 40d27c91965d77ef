// The signature of a request, judged by the package of Standard Webhooks.
import { expect } from 'chai'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { signatureFields, signingKeyOf } from '../../../src/core/signing.ts'

const secretOf = (bytes: Uint8Array): string => `whsec_${Buffer.from(bytes).toString('base64')}`
const keyOf = (secret: string): Uint8Array => signingKeyOf(secret) ?? expect.fail(`no key: ${secret}`)

/** The header fields by name. */
function fieldsOf(secrets: readonly string[], body: string, at = Date.now()): Record<string, string> {
  const fields = signatureFields(secrets.map(keyOf), { id: 'k_0', at, body })
  return Object.fromEntries([0, 2, 4].map((i) => [fields[i] ?? '', fields[i + 1] ?? '']))
}

const isVerified = (secret: string, body: string | Buffer, fields: Record<string, string>): boolean => {
  try {
    new Webhook(secret).verify(body, fields)
    return true
  } catch {
    return false
  }
}

describe('the signature of a request', () => {
  const [ours, other, third] = [24, 32, 64].map((length) => secretOf(randomBytes(length))) as [string, string, string]

  it('is verified by the package, whatever the bytes of the secret and the text are', () => {
    const text = fc.json({ noUnicodeString: false })
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), text, (bytes, body) => {
        const secret = secretOf(bytes)
        expect(isVerified(secret, Buffer.from(body), fieldsOf([secret], body))).to.equal(true)
      }),
    )
  })

  it('is not verified with another secret, another body, another id or an old timestamp', () => {
    const fields = fieldsOf([ours], '{"a":1}')
    expect(isVerified(ours, '{"a":1}', fields)).to.equal(true)
    expect(isVerified(other, '{"a":1}', fields)).to.equal(false)
    expect(isVerified(ours, '{"a":2}', fields)).to.equal(false)
    expect(isVerified(ours, '{"a":1}', { ...fields, 'webhook-id': 'k_1' })).to.equal(false)
    expect(isVerified(ours, '{"a":1}', fieldsOf([ours], '{"a":1}', Date.now() - 301_000))).to.equal(false)
  })

  it('comes once for each secret, so that either side may change first', () => {
    const fields = fieldsOf([ours, other], '{}')
    expect(fields['webhook-signature']).to.match(/^v1,\S+ v1,\S+$/)
    expect([ours, other, third].map((secret) => isVerified(secret, '{}', fields))).to.deep.equal([true, true, false])
  })

  it('has the form of the standard', () => {
    expect(fieldsOf([ours], '{}', 1_700_000_000_999)).to.include({
      'webhook-id': 'k_0',
      'webhook-timestamp': '1700000000',
    })
  })
})

describe('a secret', () => {
  const of = (length: number): string => secretOf(Buffer.alloc(length, 0xfb))
  for (const [what, secret, isOne] of [
    ['24 bytes', of(24), true],
    ['64 bytes', of(64), true],
    ['23 bytes', of(23), false],
    ['65 bytes', of(65), false],
    ['nothing behind the prefix', 'whsec_', false],
    ['no prefix', of(32).slice('whsec_'.length), false],
    ['no padding', of(32).replace(/=+$/, ''), false],
    ['base64 of URLs', of(32).replaceAll('+', '-'), false],
    ['a line break at its end', `${of(32)}\n`, false],
    ['a character that is none of base64', of(32).replace('+', '!'), false],
  ] as const)
    it(`${isOne ? 'may' : 'must not'} be ${what}`, () => {
      expect(signingKeyOf(secret) !== undefined).to.equal(isOne)
    })
})
