// The connections to a service: the address that is judged is the address that is connected to.
import { expect } from 'chai'
import { once } from 'node:events'
import { type AddressInfo, createServer, type LookupFunction, type Server, type Socket } from 'node:net'
import { connectorOf } from '../../../src/actor/connector.ts'

const METADATA = '169.254.169.254'
const REFUSED = /link-local.*`allowLinkLocal: true`/

/** A name server in the test's hand: each question takes the next answer. */
function namesOf(...answers: readonly (readonly string[])[]): { lookup: LookupFunction; asked: string[] } {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, { all }, callback) => {
    const found = (answers[asked.push(hostname) - 1] ?? []).map((address) => ({
      address,
      family: address.includes(':') ? 6 : 4,
    }))
    const [first] = found
    setImmediate(() => {
      if (all === true || first === undefined) callback(null, found)
      else callback(null, first.address, first.family)
    })
  }
  return { lookup, asked }
}

describe('a connector', () => {
  let server: Server
  let accepted: number
  before(async () => {
    server = createServer((socket) => {
      accepted += 1
      socket.on('error', () => undefined)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  beforeEach(() => (accepted = 0))
  after(() => server.close())

  /** Connects; the address of the other side, or the error. */
  const connect = (hostname: string, lookup?: LookupFunction, allowLinkLocal = false): Promise<string> => {
    const connector = connectorOf({ timeout: 5_000, allowLinkLocal }, lookup)
    const { port } = server.address() as AddressInfo
    return new Promise((resolve) =>
      connector(
        { hostname, protocol: 'http:', port: String(port) },
        (...[error, socket]: [Error | null, Socket | null]) => {
          resolve(error ? error.message : (socket?.remoteAddress ?? ''))
          socket?.destroy()
        },
      ),
    )
  }

  it('refuses a name from the moment on that the name leads to a refused address, and asks once each time', async () => {
    const { lookup, asked } = namesOf(['127.0.0.1'], [METADATA], ['127.0.0.1'])
    expect(await connect('billing', lookup)).to.equal('127.0.0.1')
    expect(await connect('billing', lookup)).to.match(REFUSED)
    expect(await connect('billing', lookup)).to.equal('127.0.0.1')
    expect(asked).to.deep.equal(['billing', 'billing', 'billing'])
    expect(accepted).to.equal(2)
  })

  it('uses the addresses that are left, in every order', async () => {
    for (const answer of [
      [METADATA, '127.0.0.1'],
      ['127.0.0.1', METADATA],
      ['fe80::1', '::ffff:169.254.169.254', '127.0.0.1'],
    ])
      expect(await connect('billing', namesOf(answer).lookup)).to.equal('127.0.0.1')
    expect(await connect('billing', namesOf([METADATA, 'fd00:ec2::254']).lookup)).to.match(REFUSED)
  })

  it('refuses addresses that the URL itself has, of which nobody asks a name server', async () => {
    for (const host of [METADATA, 'fe80::1', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe']) {
      const { lookup, asked } = namesOf()
      expect(await connect(host, lookup), host).to.match(REFUSED)
      expect(asked).to.deep.equal([])
    }
  })

  it('says what the lookup says that fails', async () => {
    const fails: LookupFunction = (_hostname, _options, callback) => callback(new Error('no such name'), [])
    expect(await connect('billing', fails)).to.equal('no such name')
  })

  it('refuses nothing with `allowLinkLocal`', async () => {
    // The machine may have no way to the address: what matters is that the connector did not refuse it.
    const connector = connectorOf({ timeout: 200, allowLinkLocal: true }, namesOf([METADATA]).lookup)
    const { port } = server.address() as AddressInfo
    for (const hostname of ['billing', METADATA]) {
      const said = await new Promise<string>((resolve) =>
        connector(
          { hostname, protocol: 'http:', port: String(port) },
          (...[error, socket]: [Error | null, Socket | null]) => {
            resolve(error ? error.message : 'connected')
            socket?.destroy()
          },
        ),
      )
      expect(said).to.not.match(REFUSED)
    }
  })

  it('needs no lookup for an address that is fine', async () => {
    expect(await connect('127.0.0.1')).to.equal('127.0.0.1')
  })
})
