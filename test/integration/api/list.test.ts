// GET /tasks: pages, filters, and the link to the next page.
import { expect } from 'chai'
import { aTask, codeOf, type Opened, openApi, outage, words } from './support.ts'

describe('GET /tasks', () => {
  let open: Opened
  beforeEach(async () => {
    open = await openApi()
  })
  afterEach(() => open.api.stop())

  it('shows an empty page as an empty array, without a link', async () => {
    const response = await open.request('/tasks')
    expect(response.status).to.equal(200)
    expect(response.headers.get('Content-Type')).to.equal('application/json; charset=utf-8')
    expect(response.headers.get('Link')).to.equal(null)
    expect(await response.text()).to.equal('[]')
  })

  it('shows tasks in the order of the page, with five members each, byte for byte', async () => {
    open.backstage.page = {
      tasks: [
        aTask({ id: '12', payload: '{"b":1.0,"a":"\\ud800"}', status: 'complete', result: '1' }),
        aTask({ id: '3', payload: 'null', status: 'failed', error: '{}' }),
      ],
    }
    expect(await (await open.request('/tasks')).text()).to.equal(
      '[{"location":"/tasks/12","service":"billing","action":"charge","payload":{"b":1.0,"a":"\\ud800"},"status":"complete"},' +
        '{"location":"/tasks/3","service":"billing","action":"charge","payload":null,"status":"failed"}]',
    )
  })

  const queries: [string, object][] = [
    ['', { limit: 100 }],
    ['?', { limit: 100 }],
    ['?limit=1', { limit: 1 }],
    ['?limit=1000', { limit: 1000 }],
    ['?before=9223372036854775807', { limit: 100, before: '9223372036854775807' }],
    [
      '?status=failed&service=billing&action=a.b',
      { limit: 100, status: ['failed'], service: 'billing', action: 'a.b' },
    ],
    ['?service=not-registered', { limit: 100, service: 'not-registered' }],
    ['?st%61tus=runnin%67', { limit: 100, status: ['running'] }],
    ['?&limit=5&&', { limit: 5 }],
  ]
  for (const [query, asked] of queries) {
    it(`asks the store for ${JSON.stringify(asked)} at ${query || 'no query'}`, async () => {
      const answer = await open.raw(`GET /tasks${query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer).to.match(/^HTTP\/1\.1 200 /)
      expect(open.backstage.queries).to.deep.equal([asked])
    })
  }

  const links: [string, string][] = [
    ['', '</tasks?limit=100&before=7>; rel="next"'],
    ['?before=9&limit=2', '</tasks?limit=2&before=7>; rel="next"'],
    [
      '?status=failed&action=a~b&service=x',
      '</tasks?limit=100&status=failed&action=a%7Eb&service=x&before=7>; rel="next"',
    ],
  ]
  for (const [query, link] of links) {
    it(`links from ${query || 'the first page'} to ${link}`, async () => {
      open.backstage.page = { tasks: [], next: '7' }
      expect((await open.request(`/tasks${query}`)).headers.get('Link')).to.equal(link)
    })
  }

  it('leads a caller who follows the link to the same filters', async () => {
    open.backstage.page = { tasks: [], next: '7' }
    const first = await open.request('/tasks?action=a~b&status=pending&limit=3&service=s')
    const path = /^<([^>]+)>/.exec(first.headers.get('Link') ?? '')?.[1] ?? ''
    await open.request(path)
    const [asked, then] = open.backstage.queries
    expect(then).to.deep.equal({ ...asked, before: '7' })
  })

  const wrong = [
    ...words(`
    limit=0 limit=1001 limit=-1 limit=01 limit=1.5 limit=1e2 limit= limit limit=+5 limit=９ before=0
    before=9223372036854775808 before=x before= status=done status=Pending status= status=constructor
    status=pending,pending service= service=a%20b service=a~b service=a%00 service=%ff action= action=..
    action=. action=a/b action=%zz limit=5&limit=5 status=failed&status=pending st%61tus=failed&status=failed
    page=2 Limit=5 view=half ids= ids=0 ids=1,x retried=1 error=x label=1 createdAfter=1 after=1 wait=1s rate=1/s offset=1 __proto__=1 limit[]=5 = % %zz=%zz +limit=5 ? ?limit=5
    `),
    `service=${'a'.repeat(101)}`,
    `action=${'a'.repeat(201)}`,
  ]
  for (const query of wrong) {
    it(`answers 400 to ${query.slice(0, 40)}, and asks the store nothing`, async () => {
      const response = await open.request(`/tasks?${query}`)
      expect(response.status).to.equal(400)
      expect(await codeOf(response)).to.equal('invalid_parameter')
      expect(open.backstage.queries).to.deep.equal([])
    })
  }

  it('names every parameter that is wrong at once', async () => {
    const problem = (await (await open.request('/tasks?limit=0&page=2&status=x&before=1&before=2')).json()) as {
      detail: string
      errors: { parameter: string; pointer?: string }[]
    }
    expect(problem.errors.map(({ parameter }) => parameter)).to.deep.equal(['limit', 'page', 'status', 'before'])
    for (const fault of problem.errors) expect(fault).to.have.all.keys('parameter', 'detail')
    expect(problem.detail).to.contain('limit').and.to.contain('page')
  })

  it('answers 400 to any query of POST, before it looks at the body', async () => {
    const response = await open.request('/tasks?limit=1', { method: 'POST', body: 'x' })
    expect(await codeOf(response)).to.equal('invalid_parameter')
  })

  it('answers 503 with Retry-After while Postgres is out of reach', async () => {
    open.backstage.before = outage('unavailable')
    const response = await open.request('/tasks')
    expect(response.status).to.equal(503)
    expect(response.headers.get('Retry-After')).to.match(/^[1-9]\d*$/)
  })
})
