// What others do at the same time: what is changed is what was counted, and what is read stays where it is.
import { expect } from 'chai'
import type { Browser } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { aKey, tokenOf } from '../support/keys.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

describe('the page while others are at work', () => {
  let world: World
  let browser: Browser
  let url: string
  before(async () => {
    world = await openWorld()
    browser = await startBrowser()
    url = (await world.node()).url
  })
  after(async () => {
    await browser.close()
    await world.close()
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    await world.sql('delete from tasks')
  })

  const delayed = async (count: number): Promise<void> => {
    const tasks = Array.from({ length: count }, () => ({ service: 'svc', action: 'ok', delay: '1h' }))
    const headers = { 'content-type': 'application/json' }
    expect(
      (await fetch(`${url}/tasks/batch`, { method: 'POST', headers, body: JSON.stringify(tasks) })).status,
    ).to.equal(201)
  }
  const counted = async (): Promise<number> => (await world.sql('select 1 from tasks')).length

  it('changes what was counted, and nothing that came since', async () => {
    await delayed(3)
    const { page } = await openView(browser, url, '/tasks?status=pending')
    await page.getByRole('row').nth(3).waitFor()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByText('3 tasks match').waitFor()
    await delayed(500)
    await page.getByRole('button', { name: 'Delete 3 tasks' }).click()
    await page.locator('.notice').getByText('3 tasks deleted.').waitFor()
    expect(await counted()).to.equal(500)
  })

  it('lets nobody act before the count, and nobody change all by a slip', async () => {
    await delayed(2)
    const { page } = await openView(browser, url, '/tasks')
    await page.getByRole('row').nth(2).waitFor()
    expect(await page.getByRole('button', { name: 'Delete…' }).isDisabled()).to.equal(true)
    const held: (() => Promise<void>)[] = []
    await page.route('**/tasks/delete?*', (route) => void held.push(() => route.continue()))
    await page.goto(`${url}/ui#/tasks?status=pending`)
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByText('Counting').waitFor()
    await eventually(() => expect(held).to.have.length(1))
    await page.getByRole('dialog').press('Enter')
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Delete tasks' }).isDisabled()).to.equal(true)
    await held[0]?.()
    await page.getByRole('button', { name: 'Delete 2 tasks' }).waitFor()
    expect([held.length, await counted()]).to.deep.equal([1, 2])
  })

  it('leaves the rows where they are under the pointer, tells of new ones, and shows them at a click', async () => {
    await delayed(5)
    const { page } = await openView(browser, url, '/tasks')
    const row = page.getByRole('row').nth(2)
    await row.hover()
    const first = await row.innerText()
    await delayed(7)
    await page.getByText('7 new tasks: show').waitFor()
    expect(await row.innerText()).to.equal(first)
    await page.getByText('7 new tasks: show').click()
    await page.getByText('7 new tasks: show').waitFor({ state: 'detached' })
    expect(await page.getByRole('row').count()).to.equal(13)
  })

  it('makes one task of a double click', async () => {
    const { page } = await openView(browser, url, '/submit')
    await page.getByLabel('Action').fill('ok')
    await page.getByRole('button', { name: 'Submit' }).dblclick()
    await page.getByText('complete', { exact: true }).waitFor()
    expect(await counted()).to.equal(1)
  })

  it('changes a schedule, and leaves it paused where somebody has paused it meanwhile', async () => {
    const send = (method: string, path: string, body?: string): Promise<Response> =>
      fetch(`${url}/schedules/nightly${path}`, {
        method,
        ...(body && { headers: { 'content-type': 'application/json' }, body }),
      })
    await send('PUT', '', '{"cron":"0 3 * * *","task":{"service":"svc","action":"ok"}}')
    const { page } = await openView(browser, url, '/schedules')
    await page.getByRole('button', { name: 'Change…' }).click()
    await page.getByLabel('Cron').fill('0 4 * * *')
    await send('POST', '/pause')
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click()
    await page.locator('.notice').getByText('The schedule nightly is changed.').waitFor()
    expect(await (await send('GET', '')).json()).to.include({ cron: '0 4 * * *', paused: true })
    await send('DELETE', '')
  })

  it('retries one kind of failure, and no other', async () => {
    const loud = await world.serve((request, response) => {
      request.resume()
      response
        .writeHead(request.headers['task-retry-of'] === undefined ? 500 : 200)
        .end(`no ${request.url?.slice(1)} for ${performance.now()}`)
    })
    const node = await world.node({ services: { loud: { url: loud.replace('{action}', 'x') } } })
    for (const answer of ['x', 'x', 'x']) await ended(node.url, await post(node.url, answer, '{}', 'loud'))
    await world.sql(
      `update tasks set error = '{"code":"service_error","detail":"d","status":500,"body":"another"}' where id = (select min(id) from tasks)`,
    )
    const { page } = await openView(browser, node.url, '/failed')
    const kind = page.getByRole('row', { name: /another/ })
    await kind.getByRole('button', { name: 'Retry…' }).click()
    await page.getByRole('button', { name: 'Retry 1 task' }).click()
    const notice = page.locator('.notice', { hasText: '1 task retried.' })
    await notice.waitFor()
    await kind.waitFor({ state: 'detached' })
    await page.getByText('no x/x for #').waitFor()
    await notice.getByRole('link', { name: 'Show them' }).click()
    await page
      .getByText('No task matches.')
      .or(page.getByRole('row', { name: /loud/ }))
      .waitFor()
    expect(new URLSearchParams(page.url().split('?')[1]).get('status')).to.equal('pending,running')
    await node.stop()
  })

  it('bears JSON of 500 levels, and goes on', async () => {
    const deep = `${'['.repeat(500)}1${']'.repeat(500)}`
    const location = await post(url, 'none', deep)
    await ended(url, location)
    const { page, complaints } = await openView(browser, url, location)
    const payload = page.getByRole('region', { name: 'Payload' })
    await payload.getByRole('searchbox').fill('1')
    await payload.locator('mark, .json-leaf').first().waitFor()
    await page.getByRole('link', { name: 'Services' }).click()
    await page.getByRole('row', { name: /svc/ }).waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('says what it cannot see, and not that all is well', async () => {
    const { page } = await openView(browser, url, '/nodes')
    await page.route('**/failures?*', (route) =>
      route.fulfill({ status: 503, contentType: 'application/problem+json', body: '{"detail":"Postgres is away."}' }),
    )
    await page.goto(`${url}/ui#/`)
    await page.getByText('Failures cannot be seen.').waitFor()
    expect(await page.getByText('Nothing needs you.').count()).to.equal(0)
  })

  it('refuses the same wrong token twice, and lets in who has the right one', async () => {
    const node = await world.node({ keys: [aKey('operator')] })
    const { page } = await openView(browser, node.url, '/services')
    for (const token of ['tk_wrong', 'tk_wrong', tokenOf('operator')]) {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Sign in' }).click()
      if (token === 'tk_wrong') await page.getByText('The key does not count here').waitFor()
    }
    await page.getByRole('row', { name: /svc/ }).waitFor()
    await node.stop()
  })

  it('asks for a page that cannot be loaded only when somebody asks', async () => {
    await delayed(150)
    const { page } = await openView(browser, url, '/nodes')
    let asked = 0
    await page.route(
      '**/tasks?*before=*',
      (route) => ((asked += 1), route.fulfill({ status: 503, body: '{"detail":"away"}' })),
    )
    await page.goto(`${url}/ui#/tasks`)
    await page.getByRole('row').nth(50).scrollIntoViewIfNeeded()
    await page.getByRole('alert').getByText('away').waitFor()
    await page.getByRole('button', { name: 'More tasks' }).click()
    await eventually(() => expect(asked).to.equal(2))
    await page.unroute('**/tasks?*before=*')
    await page.getByRole('button', { name: 'More tasks' }).click()
    await page.getByRole('row').nth(150).waitFor()
    expect(asked).to.equal(2)
  })
})
