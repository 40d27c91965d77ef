// GET /tasks/:id and DELETE /tasks/:id.
import { expect } from 'chai'
import * as fc from 'fast-check'
import type { FullView } from '../../../src/core/view.ts'
import { jsonText } from '../../unit/core/json-text.ts'
import { aTask, NO_IDS, codeOf, type Opened, openApi, outage } from './support.ts'

const FAILURE = '{"code":"service_error","detail":"The service answered 500.","status":500,"body":"\\u0000"}'
const BASE = '"location":"/tasks/1","service":"billing","action":"charge","payload":'

/** What view=full says of a task that asked for nothing, in a service without a deadline. */
const NO_OPTIONS =
  '"priority":"normal","deadlineAt":null,"unique":null,"caller":null,"retryOf":null,"retriedAs":null,"callbackOf":null,"schedule":null,"labels":null,"callback":null'

describe('the API of one task', () => {
  let open: Opened
  before(async () => {
    open = await openApi()
  })
  after(() => open.api.stop())
  beforeEach(() => {
    open.backstage.before = async () => undefined
    open.backstage.tasks.clear()
    open.backstage.cancelled.splice(0)
  })

  const put = (row: Partial<FullView> = {}): void => {
    const task = aTask(row)
    open.backstage.tasks.set(task.id, task)
  }

  const strangeIds = ['%00', '1%00', '%201', '1%20', '%2e%2e', '%2e%2e%2f1', '1%2f', '%', '%zz', '%c3%28', '1;x=1']

  describe('GET', () => {
    const shapes: [string, Partial<FullView>, string][] = [
      ['a pending task', {}, `{${BASE}{},"status":"pending"}`],
      [
        'a running task, whatever went wrong before',
        { status: 'running', error: FAILURE, step: 3, state: '[1]' },
        `{${BASE}{},"status":"running"}`,
      ],
      [
        'the result of a complete task',
        { status: 'complete', result: '{"a":1.0}' },
        `{${BASE}{},"status":"complete","result":{"a":1.0}}`,
      ],
      [
        'a result that is null',
        { status: 'complete', result: 'null' },
        `{${BASE}{},"status":"complete","result":null}`,
      ],
      ['a complete task without a result', { status: 'complete', error: FAILURE }, `{${BASE}{},"status":"complete"}`],
      ['a result that was too large', { status: 'complete', resultOmitted: true }, `{${BASE}{},"status":"complete"}`],
      [
        'the error of a failed task',
        { status: 'failed', error: FAILURE, result: '1' },
        `{${BASE}{},"status":"failed","error":${FAILURE}}`,
      ],
      [
        'the original payload',
        { status: 'running', payload: '{"b":1,"a":1e400}', state: '2' },
        `{${BASE}{"b":1,"a":1e400},"status":"running"}`,
      ],
    ]
    for (const [what, row, text] of shapes) {
      it(`shows ${what}`, async () => {
        put(row)
        const response = await open.request('/tasks/1')
        expect(response.status).to.equal(200)
        expect(response.headers.get('Content-Type')).to.equal('application/json; charset=utf-8')
        expect(await response.text()).to.equal(text)
      })
    }

    it('shows payload, result, error and state byte for byte', async () => {
      await fc.assert(
        fc.asyncProperty(jsonText, jsonText, jsonText, async (payload, other, state) => {
          put({ payload, state, status: 'complete', result: other })
          expect(await (await open.request('/tasks/1')).text()).to.equal(
            `{${BASE}${payload},"status":"complete","result":${other}}`,
          )
          put({ payload, state, status: 'failed', error: other })
          const full = await (await open.request('/tasks/1?view=full')).text()
          expect(full.startsWith(`{${BASE}${payload},"status":"failed","error":${other},"createdAt":`)).to.equal(true)
          expect(full.endsWith(`"lastError":${other},"state":${state},"resultOmitted":null,${NO_OPTIONS}}`)).to.equal(
            true,
          )
        }),
        { numRuns: 100 },
      )
    })

    it('adds everything that is known with view=full, null where without a value', async () => {
      put()
      expect(await (await open.request('/tasks/1?view=full')).text()).to.equal(
        `{${BASE}{},"status":"pending","createdAt":"2026-01-02T03:04:05.678Z","startedAt":null,"finishedAt":null,"runAt":null,` +
          `"step":0,"attempt":0,"fails":0,"lastError":null,"state":null,"resultOmitted":null,${NO_OPTIONS}}`,
      )
    })

    it('adds what a task has come to with view=full', async () => {
      const times = {
        startedAt: '2026-01-02T03:04:06.000Z',
        finishedAt: '2026-01-02T03:04:07.000Z',
        runAt: '2026-01-02T03:04:08.000Z',
      }
      put({
        ...times,
        status: 'complete',
        result: null,
        resultOmitted: true,
        error: FAILURE,
        state: '[1.0]',
        step: 3,
        attempt: 2,
        fails: 1,
      })
      expect(await (await open.request('/tasks/1?view=full')).json()).to.deep.equal({
        location: '/tasks/1',
        service: 'billing',
        action: 'charge',
        payload: {},
        status: 'complete',
        createdAt: '2026-01-02T03:04:05.678Z',
        ...times,
        step: 3,
        attempt: 2,
        fails: 1,
        lastError: JSON.parse(FAILURE) as unknown,
        state: [1],
        resultOmitted: true,
        ...(JSON.parse(`{${NO_OPTIONS}}`) as object),
      })
    })

    it('shows the largest id', async () => {
      put({ id: '9223372036854775807' })
      const { location } = (await (await open.request('/tasks/9223372036854775807')).json()) as { location: string }
      expect(location).to.equal('/tasks/9223372036854775807')
    })

    it('answers 404 for a task that does not exist', async () => {
      const response = await open.request('/tasks/2')
      expect(response.status).to.equal(404)
      expect(await codeOf(response)).to.equal('not_found')
    })

    for (const id of NO_IDS) {
      it(`answers 404 for the id ${id}`, async () => {
        put()
        expect((await open.request(`/tasks/${encodeURIComponent(id)}`)).status).to.equal(404)
      })
    }

    for (const id of strangeIds) {
      it(`answers 404 for the raw id ${id}`, async () => {
        put()
        const answer = await open.raw(`GET /tasks/${id} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
        expect(answer)
          .to.match(/^HTTP\/1\.1 404 /)
          .and.to.contain('"code":"not_found"')
      })
    }

    it('checks the id first and the query then', async () => {
      expect((await open.request('/tasks/0?view=half')).status).to.equal(404)
      expect((await open.request('/tasks/2?view=half')).status).to.equal(400)
    })

    for (const query of [
      'view=half',
      'view=',
      'view',
      'view=full&view=full',
      'View=full',
      'limit=1',
      'x',
      '%zz',
      'a=%ff',
    ]) {
      it(`answers 400 to the query ${query}`, async () => {
        put()
        const response = await open.request(`/tasks/1?${query}`)
        expect(response.status).to.equal(400)
        expect(await codeOf(response)).to.equal('invalid_parameter')
      })
    }

    it('takes an empty query for none', async () => {
      put()
      expect((await open.raw('GET /tasks/1? HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).slice(9, 12)).to.equal(
        '200',
      )
    })

    it('answers 503 with Retry-After while Postgres is out of reach', async () => {
      open.backstage.before = outage('unavailable')
      const response = await open.request('/tasks/1')
      expect(response.status).to.equal(503)
      expect(response.headers.get('Retry-After')).to.match(/^[1-9]\d*$/)
      expect(await codeOf(response)).to.equal('unavailable')
    })
  })
})
