import { expect } from 'chai'
import { errors } from 'undici'
import { LACKS, replyOf } from '../../../src/actor/trouble.ts'

const system = (code: string): Error => Object.assign(new Error(`connect ${code} 10.0.0.1:80`), { code })
const each = (...codes: string[]): Error =>
  Object.assign(new AggregateError(codes.map(system)), { code: codes[0] ?? '' })

describe('an error of a connection', () => {
  for (const code of Object.keys(LACKS))
    it(`${code}: this node lacks something`, () => {
      expect(replyOf(system(code))).to.deep.equal({ kind: 'lacking', detail: `${LACKS[code]}, ${code}` })
      expect(replyOf(each(code, code))).to.have.property('kind', 'lacking')
    })

  for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE'])
    it(`${code}: the service could not be reached, and no address is named`, () =>
      expect(replyOf(system(code))).to.deep.equal({ kind: 'unreachable', detail: code }))

  it('of an IPv6 address, on a node without IPv6, is of the service', () => {
    const error = Object.assign(system('EADDRNOTAVAIL'), { address: '::1' })
    expect(replyOf(error)).to.deep.equal({ kind: 'unreachable', detail: 'ENETUNREACH' })
    expect(replyOf(Object.assign(system('EADDRNOTAVAIL'), { address: '10.0.0.1' }))).to.have.property('kind', 'lacking')
  })

  it('of a name with several addresses is of the service where one of them is', () => {
    expect(replyOf(each('EADDRNOTAVAIL', 'ECONNREFUSED'))).to.deep.equal({
      kind: 'unreachable',
      detail: 'ECONNREFUSED',
    })
    expect(replyOf(each('ECONNREFUSED', 'ECONNREFUSED'))).to.deep.equal({ kind: 'unreachable', detail: 'ECONNREFUSED' })
  })

  it('of undici, or without a code, is told by its text', () => {
    expect(replyOf(new errors.SocketError('other side closed'))).to.deep.include({ detail: 'other side closed' })
    expect(replyOf(new Error('why'))).to.deep.equal({ kind: 'unreachable', detail: 'why' })
    expect(replyOf(new AggregateError([], 'none'))).to.deep.equal({ kind: 'unreachable', detail: 'none' })
    expect(replyOf('text')).to.deep.equal({ kind: 'unreachable', detail: 'text' })
  })
})
