// DELETE /tasks/:id.
import { expect } from 'chai'
import type { FullView } from '../../../src/core/view.ts'
import { aTask, codeOf, NO_IDS, type Opened, openApi, outage } from './support.ts'

describe('DELETE /tasks/:id', () => {
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

  const remove = (path: string): Promise<Response> => open.request(path, { method: 'DELETE' })

  for (const status of ['pending', 'running', 'complete', 'failed'] as const) {
    it(`answers 204 without a body for a ${status} task, and 404 from then on`, async () => {
      put({ status })
      const response = await remove('/tasks/1')
      expect(response.status).to.equal(204)
      expect(await response.text()).to.equal('')
      expect(response.headers.get('Content-Type')).to.equal(null)
      expect(open.backstage.cancelled).to.deep.equal(['1'])
      const again = await remove('/tasks/1')
      expect(again.status).to.equal(404)
      expect(await codeOf(again)).to.equal('not_found')
      expect((await open.request('/tasks/1')).status).to.equal(404)
    })
  }

  it('answers 404 to what is no id, and asks nobody', async () => {
    for (const id of NO_IDS) expect((await remove(`/tasks/${encodeURIComponent(id)}`)).status, id).to.equal(404)
    expect(open.backstage.cancelled).to.deep.equal([])
  })

  it('answers 400 to any query, and deletes nothing', async () => {
    put()
    for (const query of ['x=1', 'view=full', 'force']) {
      expect(await codeOf(await remove(`/tasks/1?${query}`)), query).to.equal('invalid_parameter')
    }
    expect(open.backstage.tasks.size).to.equal(1)
  })

  it('answers 503 while Postgres is out of reach', async () => {
    put()
    open.backstage.before = outage('unavailable')
    const response = await remove('/tasks/1')
    expect(response.status).to.equal(503)
    expect(response.headers.get('Retry-After')).to.match(/^[1-9]\d*$/)
    expect(open.backstage.tasks.size).to.equal(1)
  })

  it('does not mind a body', async () => {
    put()
    const headers = { 'Content-Type': 'application/json' }
    expect((await open.request('/tasks/1', { method: 'DELETE', headers, body: '{"x":' })).status).to.equal(204)
  })
})
