// Refusals of POST /tasks that name what cannot be seen: a byte order mark, another encoding, a slip in a name.
import { expect } from 'chai'
import { type Opened, openApi } from './support.ts'

describe('a refusal of POST /tasks', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
  })
  after(() => open.api.stop())

  const problemOf = async (body: string | Uint8Array): Promise<{ code: string; detail: string }> =>
    (await (await open.post(body)).json()) as { code: string; detail: string }

  for (const [what, body, cause] of [
    [
      'a byte order mark',
      '\ufeff{"service":"billing","action":"charge"}',
      'byte 0 on (counted from 0): there is a byte order mark',
    ],
    ['one before the payload', '{"payload":\ufeff1}', 'byte 11 on (counted from 0): there is a byte order mark'],
    ['UTF-16 with a mark', Buffer.from('\ufeff{}', 'utf16le'), 'UTF-16: send it in UTF-8'],
    ['UTF-16 with a mark, the other way round', Buffer.from('\ufeff{}', 'utf16le').swap16(), 'UTF-16'],
    ['UTF-16 without a mark', Buffer.from('{}', 'utf16le'), 'UTF-16'],
    ['UTF-16 without a mark, the other way round', Buffer.from('{}', 'utf16le').swap16(), 'UTF-16'],
  ] as const)
    it(`names the cause: ${what}`, async () => {
      const problem = await problemOf(body)
      expect(problem).to.include({ code: 'malformed_json' })
      expect(problem.detail).to.contain(cause)
    })

  const detailOf = async (service: string): Promise<string> =>
    (await problemOf(`{"service":"${service}","action":"charge"}`)).detail

  for (const service of ['biling', 'Billing', 'billnig', 'billling'])
    it(`names the service that is nearest to ${service}`, async () => {
      expect(await detailOf(service)).to.equal('No service of this name is registered. Did you mean `billing`?')
    })

  for (const service of ['nobody', 'b'.repeat(1_000_000)])
    it(`names none where none is near to ${service.slice(0, 10)}`, async () => {
      expect(await detailOf(service)).to.equal('No service of this name is registered.')
    })
})
