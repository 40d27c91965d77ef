// POST /tasks: what is created, and how it is answered.
import { expect } from 'chai'
import * as fc from 'fast-check'
import { jsonText, space } from '../../unit/core/json-text.ts'
import { aTask, codeOf, type Opened, openApi, outage } from './support.ts'

const TASK = '{"service":"billing","action":"charge","payload":{"key":"value"}}'

describe('POST /tasks', () => {
  let open: Opened
  beforeEach(async () => {
    open = await openApi()
  })
  afterEach(() => open.api.stop())

  it('redirects to the task, by its path, and shows it as created', async () => {
    const response = await open.post(TASK)
    expect(response.status).to.equal(302)
    expect(response.headers.get('Location')).to.equal('/tasks/1')
    expect(response.headers.get('Content-Type')).to.equal('application/json; charset=utf-8')
    expect(await response.text()).to.equal(
      '{"location":"/tasks/1","service":"billing","action":"charge","payload":{"key":"value"},"status":"pending"}',
    )
    expect(open.backstage.submitted).to.deep.equal([
      { service: 'billing', action: 'charge', payload: '{"key":"value"}' },
    ])
  })

  const preferences: [string, number][] = [
    ['return=representation', 201],
    ['Return="representation"', 201],
    ['respond-async, return=representation; foo="a"', 201],
    ['wait=5,return = representation', 201],
    ['return=minimal', 302],
    ['return=minimal, return=representation', 302],
    ['return', 302],
    ['xreturn=representation', 302],
    ['foo; return=representation', 302],
    ['', 302],
  ]
  for (const [prefer, status] of preferences) {
    it(`answers ${status} to Prefer: ${prefer}`, async () => {
      open.backstage.tasks.set('1', aTask({ status: 'complete' }))
      const response = await open.post(TASK, { Prefer: prefer })
      expect(response.status).to.equal(status)
      expect(response.headers.get('Location')).to.equal('/tasks/1')
      const applied = [
        ...(status === 201 ? ['return=representation'] : []),
        ...(/wait=5/.test(prefer) ? ['wait=5'] : []),
      ]
      expect(response.headers.get('Preference-Applied')).to.equal(applied.join(', ') || null)
      expect(((await response.json()) as { location: string }).location).to.equal('/tasks/1')
    })
  }

  it('takes an absent payload for {}', async () => {
    expect((await open.post('{"service":"billing","action":"charge"}')).status).to.equal(302)
    expect(open.backstage.submitted[0]?.payload).to.equal('{}')
  })

  for (const payload of ['null', '"text"', '""', '0', '-0', 'false', '[]', '[ 1 ]', '{ }', '1e400', '0.10']) {
    it(`keeps the payload ${payload} as it is`, async () => {
      const response = await open.post(`{"payload": ${payload} ,"service":"billing","action":"charge"}`)
      expect(await response.text()).to.contain(`"payload":${payload},"status"`)
      expect(open.backstage.submitted[0]?.payload).to.equal(payload)
    })
  }

  it('keeps what JSON.parse would lose', async () => {
    const payload =
      '{"\\u0000":"\\ud800","__proto__":{"a":1},"n":12345678901234567890,"d":0.1000,"2":0,"1":0,"x":1,"x":2, "\\u00e9":"é😀\u2028\u007f"}'
    const response = await open.post(`{"service":"billing","action":"charge","payload":${payload}}`)
    expect(await response.text()).to.contain(`"payload":${payload},"status"`)
    expect(open.backstage.submitted[0]?.payload).to.equal(payload)
  })

  it('gives on and shows every payload byte for byte', async () => {
    await fc.assert(
      fc.asyncProperty(jsonText, space, space, fc.nat(2), async (payload, before, after, where) => {
        const members = ['"service":"billing"', '"action":"charge"']
        members.splice(where, 0, `"payload"${after}:${before}${payload}${after}`)
        const response = await open.post(Buffer.from(`{${members.join(',')}}${after}`))
        const shown = Buffer.from(await response.arrayBuffer())
        expect(shown.includes(Buffer.from(`"payload":${payload},"status":"pending"}`))).to.equal(true)
        const given = open.backstage.submitted.at(-1)?.payload ?? ''
        expect(Buffer.from(given).equals(Buffer.from(payload))).to.equal(true)
      }),
      { numRuns: 300 },
    )
  })

  it('reads members whose names are escaped', async () => {
    const response = await open.post('{"\\u0073ervice":"\\u0062illing","action":"ch\\u0061rge","payl\\u006fad":1}')
    expect(response.status).to.equal(302)
    expect(open.backstage.submitted).to.deep.equal([{ service: 'billing', action: 'charge', payload: '1' }])
  })

  it('takes a body of 1 MiB that comes in chunks, with multi-byte characters cut anywhere', async () => {
    const text = 'é😀'.repeat(170_000)
    const body = Buffer.from(`{"service":"billing","action":"charge","payload":"${text}"}`)
    const chunks = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < body.length; at += 10_007) controller.enqueue(body.subarray(at, at + 10_007))
        controller.close()
      },
    })
    const response = await open.request('/tasks', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: chunks,
      duplex: 'half',
    })
    expect(response.status).to.equal(302)
    expect(open.backstage.submitted[0]?.payload).to.equal(`"${text}"`)
  })

  for (const code of ['unavailable', 'outcome_unknown'] as const) {
    it(`answers 503 ${code} with Retry-After, and names no host`, async () => {
      open.backstage.before = outage(code)
      const response = await open.post(TASK)
      expect(response.status).to.equal(503)
      expect(Number(response.headers.get('Retry-After'))).to.be.greaterThan(0)
      expect(response.headers.get('Location')).to.equal(null)
      expect(await response.clone().text()).not.to.contain('db.internal')
      expect(await codeOf(response)).to.equal(code)
    })
  }

  it('answers 500 internal to what was not expected, logs it with its stack, and shows none of it', async () => {
    open.backstage.before = async () => {
      throw new TypeError('select secret from db.internal')
    }
    const response = await open.post(TASK)
    expect(response.status).to.equal(500)
    expect(await response.clone().text()).not.to.match(/secret|TypeError|\.js|\.ts/)
    expect(await codeOf(response)).to.equal('internal')
    expect(open.backstage.logged).to.have.length(1)
    expect(JSON.stringify(open.backstage.logged[0])).to.contain('select secret').and.to.contain('support')
  })

  it('answers 500 also when something that is no error is thrown', async () => {
    open.backstage.before = () => Promise.reject(null)
    expect(await codeOf(await open.post(TASK))).to.equal('internal')
    expect(open.backstage.logged).to.have.length(1)
  })

  it('says on every answer not to sniff and not to store it', async () => {
    for (const response of [await open.post(TASK), await open.post('x'), await open.request('/nowhere')]) {
      expect(response.headers.get('X-Content-Type-Options')).to.equal('nosniff')
      expect(response.headers.get('Cache-Control')).to.equal('no-store')
    }
  })
})
