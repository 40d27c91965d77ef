// The stop of the API: nobody who was heard, or who has reached this machine, is cut off.
import { once } from 'node:events'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { Api } from '../../../src/api/server.ts'
import { eventually } from '../../support/eventually.ts'
import { Backstage, everything, openApi } from './support.ts'

const GET = 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n'
const TASK = '{"service":"billing","action":"charge"}'

describe('the stop of the API', () => {
  it('serves on while callers are there, says that it goes, and then refuses connections', async () => {
    const linger = 300
    await using open = await openApi({ linger })
    const socket = await open.connect()
    socket.write(GET)
    await once(socket, 'data')
    const begun = performance.now()
    const stopped = open.api.stop()
    expect((await open.request('/readyz')).status).to.equal(503)
    socket.write(GET)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString())
      .to.contain('200 OK')
      .and.to.match(/connection: close/i)
    await Promise.all([once(socket, 'close'), stopped])
    expect(performance.now() - begun).to.be.at.least(linger - 5)
    const refused: unknown = await open.request('/livez').catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(Error)
  })

  it('answers what has reached this machine, however busy the process was', async () => {
    const open = await openApi()
    const [kept, fresh] = [await open.connect(), await open.connect()]
    kept.write(GET)
    await once(kept, 'data')
    const answers = Promise.all([everything(kept), everything(fresh)])
    // All this is in the kernel's hands while the process is busy.
    kept.write(GET)
    fresh.write(GET)
    const late = connect(open.port, '127.0.0.1').on('error', () => undefined)
    late.write(GET)
    const stopped = open.api.stop()
    for (const end = performance.now() + 30; performance.now() < end;);
    for (const answer of [...(await answers), await everything(late)]) expect(answer).to.contain('200 OK')
    await stopped
  })

  it('answers the first request of a connection that was open before the port closed', async () => {
    await using open = await openApi({ linger: 2_000 })
    const early = await open.connect()
    const answer = everything(early)
    const stopped = open.api.stop()
    await eventually(async () => {
      const refused = once(connect(open.port, '127.0.0.1'), 'connect')
      expect(await refused.catch((error: unknown) => error)).to.be.instanceOf(Error)
    })
    early.write(GET)
    expect(await answer)
      .to.contain('200 OK')
      .and.to.match(/connection: close/i)
    await stopped
  })

  it('answers all of a burst of connections that came while the process was busy', async () => {
    const open = await openApi()
    const count = 300
    const sent = new Int32Array(new SharedArrayBuffer(4))
    const workerData = { server: open.port, count, sent }
    const callers = new Worker(new URL('../../support/callers-thread.js', import.meta.url), { workerData })
    const answered = once(callers, 'message')
    const end = performance.now() + 10_000
    for (let was = 0; was < count && performance.now() < end; was = Atomics.load(sent, 0))
      Atomics.wait(sent, 0, was, 1_000)
    await open.api.stop()
    expect((await answered)[0]).to.equal(count)
  })

  it('works on a part that never started, twice and at once', async () => {
    const api = new Api(new Backstage().dependencies())
    await Promise.all([api.stop(), api.stop()])
    await api.stop()
  })

  it('may come at any moment, and be followed by another start', async () => {
    const api = new Api(new Backstage().dependencies())
    for (let i = 0; i < 20; i++) {
      const started = api.start()
      await Promise.all([i % 2 ? api.start() : undefined, i % 3 ? started : undefined, api.stop(), api.stop(), started])
    }
    await api.start()
    expect((await fetch(`${api.url}/livez`)).status).to.equal(200)
    await api.stop()
  })

  it('closes idle connections, and refuses new ones', async () => {
    const open = await openApi()
    const [idle, silent] = [await open.connect(), await open.connect()]
    idle.write(GET)
    await once(idle, 'data')
    const closed = Promise.all([everything(idle), everything(silent)])
    await Promise.all([open.api.stop(), closed])
    const refused: unknown = await open.request('/livez').catch((reason: unknown) => reason)
    expect(refused).to.be.instanceOf(TypeError)
  })

  it('waits for the answers that are owed', async () => {
    const open = await openApi()
    const held = open.backstage.hold()
    const answer = open.post(TASK)
    const { go } = await held
    let stopped = false
    const stop = open.api.stop().then(() => (stopped = true))
    await new Promise(setImmediate)
    expect(stopped).to.equal(false)
    go()
    const response = await answer
    expect(response.status).to.equal(302)
    expect(response.headers.get('Connection')).to.equal('close')
    await stop
  })

  it('cuts what is not answered in time', async () => {
    const open = await openApi({ grace: 50 })
    const held = open.backstage.hold()
    const answer = open.post(TASK).catch((reason: unknown) => reason)
    await held
    await open.api.stop()
    expect(await answer).to.be.instanceOf(TypeError)
  })
})
