// What somebody sees and finds on the page: the numbers of the overview, the search, the keyboard, the clocks.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Browser, Page } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openWorld, post, show, type World } from '../support/world.ts'

describe('a reader of the page', () => {
  let world: World
  let browser: Browser
  let url: string
  before(async () => {
    world = await openWorld()
    browser = await startBrowser()
    url = (await world.node({ services: { svc: {}, other: {} } })).url
  })
  after(async () => {
    await browser.close()
    await world.close()
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    await world.sql('delete from tasks')
  })

  /** Submits a task with all its members, and gives its location. */
  const submit = async (task: object): Promise<string> => {
    const answer = await fetch(`${url}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'return=representation' },
      body: JSON.stringify({ service: 'svc', action: 'ok', ...task }),
    })
    return ((await answer.json()) as { location: string }).location
  }
  /** The numbers of the tasks in the list, from the top. */
  const listed = (page: Page): Promise<string[]> => page.locator('.list tbody td:nth-child(2)').allInnerTexts()
  const numberOf = (location: string): string => location.slice(7)
  const focused = (page: Page): Promise<unknown> => page.evaluate('document.activeElement.textContent')

  it('sees how much is done, what has failed, and what waits', async () => {
    for (const action of ['ok', 'ok', 'ok', 'fail']) await ended(url, await post(url, action))
    await submit({ delay: '1h' })
    const { page, complaints } = await openView(browser, url, '/')
    const tile = (name: string) => page.locator('.tile').filter({ hasText: name }).locator('dd')
    await tile('Complete, 1 h').getByText('3', { exact: true }).waitFor()
    await tile('Failed, 1 h').getByText('1', { exact: true }).waitFor()
    await tile('Delayed').getByText('1', { exact: true }).waitFor()
    await tile('Nodes').getByText('1', { exact: true }).waitFor()
    await tile('Queue time, p50')
      .getByText(/^\d+ ms$/)
      .waitFor()
    await tile('Queue time, p95')
      .getByText(/^\d+ ms$/)
      .waitFor()
    await page.getByText('1 task failed in the last 24 hours').waitFor()
    expect(await page.getByRole('figure').count()).to.equal(2)
    await page.getByRole('button', { name: '24 hours' }).click()
    await page.getByText('Ended tasks in 15 minutes').waitFor()
    await tile('Failed, 1 h').getByRole('link').click()
    await page.getByRole('article').filter({ hasText: 'svc / fail' }).waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('finds tasks by their number, action, label and error, and is told what is not understood', async () => {
    const red = await submit({ action: 'none', labels: { colour: 'red' } })
    const blue = await submit({ action: 'none', labels: { colour: 'blue' } })
    const failed = await post(url, 'fail', undefined, 'other')
    await ended(url, failed)
    const { page } = await openView(browser, url, '/services')
    const search = page.getByRole('searchbox', { name: 'Find tasks' })
    const find = async (text: string): Promise<void> => {
      await page.keyboard.press('/')
      await search.and(page.locator(':focus')).waitFor()
      await page.keyboard.type(text)
      await page.keyboard.press('Enter')
      await page.keyboard.press('Escape')
    }
    const seen = (...locations: string[]): Promise<unknown> =>
      eventually(async () => expect(await listed(page)).to.deep.equal(locations.map(numberOf)))
    await find('colour=red')
    await seen(red)
    await page.getByRole('button', { name: 'Take the filter label.colour away' }).click()
    await seen(failed, blue, red)
    await find('none')
    await seen(blue, red)
    expect(page.url()).to.match(/action=none/)
    await page.getByLabel('Error').selectOption('service_error')
    await page.getByText('No task matches.').waitFor()
    await page.getByRole('button', { name: 'Take the filter action away' }).click()
    await seen(failed)
    await find('two words')
    await page.getByRole('alert').getByText('Not understood.').waitFor()
    await search.fill('')
    await search.blur()
    await find(numberOf(blue))
    await page.getByRole('heading', { name: `Task ${numberOf(blue)}` }).waitFor()
  })

  it('is told of a schedule whose tasks fail', async () => {
    const path = `${url}/schedules/nightly`
    const headers = { 'content-type': 'application/json' }
    const put = async (cron: string): Promise<void> => {
      const body = JSON.stringify({ cron, task: { service: 'svc', action: 'fail' } })
      expect((await fetch(path, { method: 'PUT', headers, body })).ok).to.equal(true)
    }
    await put('* * * * * *')
    await eventually(async () => expect(await world.sql('select 1 from tasks')).not.to.have.length(0))
    // From now on its last task stays the last one.
    await put('0 3 1 1 *')
    await eventually(async () => {
      const { lastTask } = (await (await fetch(path)).json()) as { lastTask: string }
      expect((await show(url, lastTask))?.status).to.equal('failed')
    })
    const { page } = await openView(browser, url, '/')
    await page.getByText('The schedule nightly fails.').click()
    await page
      .getByRole('row', { name: /nightly/ })
      .getByText('last task failed')
      .waitFor()
    await fetch(path, { method: 'DELETE' })
  })

  it('goes through the page by the keyboard alone, and is told the keys', async () => {
    const locations = [await submit({}), await submit({}), await submit({})]
    const { page } = await openView(browser, url, '/nodes')
    await page.getByRole('row').nth(1).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').getByText('Next row').waitFor()
    await page.keyboard.press('2')
    expect(page.url()).to.match(/#\/nodes$/)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.keyboard.press('2')
    await page.getByRole('row').nth(3).waitFor()
    for (const key of ['j', 'j', 'j', 'k']) await page.keyboard.press(key)
    expect(await focused(page)).to.equal(numberOf(locations[1] ?? ''))
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Task ${numberOf(locations[1] ?? '')}` }).waitFor()
  })

  it('goes back from a task to the list as it was left, and to its top by a link', async () => {
    const tasks = Array.from({ length: 200 }, () => ({ service: 'svc', action: 'ok', delay: '1h' }))
    const headers = { 'content-type': 'application/json' }
    await fetch(`${url}/tasks/batch`, { method: 'POST', headers, body: JSON.stringify(tasks) })
    const { page } = await openView(browser, url, '/tasks')
    const top = (): Promise<unknown> => page.evaluate('scrollY')
    await page.getByRole('row').nth(50).scrollIntoViewIfNeeded()
    const row = page.getByRole('row').nth(95)
    await row.scrollIntoViewIfNeeded()
    const at = await top()
    expect(at).to.be.above(1_000)
    await row.getByRole('link').click()
    await page.getByRole('heading', { name: /^Task/ }).waitFor()
    expect(await top()).to.equal(0)
    await page.goBack()
    await eventually(async () => expect(await top()).to.equal(at))
    await row.waitFor()
    await page.getByRole('navigation').getByRole('link', { name: 'Nodes' }).click()
    await page.getByRole('navigation').getByRole('link', { name: 'Tasks' }).click()
    await page.getByRole('row').nth(50).waitFor()
    expect(await top()).to.equal(0)
  })

  it('reads times on the local clock and in UTC, and the choice is kept', async () => {
    const location = await submit({ action: 'none' })
    await ended(url, location)
    const { createdAt } = (await (await fetch(`${url}${location}?view=full`)).json()) as { createdAt: string }
    const local = new Intl.DateTimeFormat('sv', {
      timeZone: 'Europe/Berlin',
      dateStyle: 'short',
      timeStyle: 'medium',
    }).format(new Date(createdAt))
    const utc = createdAt.slice(0, 19).replace('T', ' ')
    const { page } = await openView(browser, url, location)
    const created = page.locator('.fact').filter({ hasText: 'Created' })
    await created.getByText(local).waitFor()
    await page.getByRole('button', { name: 'Local time' }).click()
    await created.getByText(utc).waitFor()
    expect(local).not.to.equal(utc)
    await page.reload()
    await created.getByText(utc).waitFor()
  })

  it('copies a task as a command, which makes the same one', async () => {
    const payload = `{"it's": 10000000000000000001, "b":0, "a": "\\u0027$HOME \`id\`"}`
    const location = await post(url, 'none', payload)
    await ended(url, location)
    const { page } = await openView(browser, url, location, { permissions: ['clipboard-read', 'clipboard-write'] })
    await page.getByRole('button', { name: 'Copy as curl' }).click()
    await page.getByText('Copied').waitFor()
    const command = (await page.evaluate('navigator.clipboard.readText()')) as string
    const { stdout } = await promisify(execFile)('sh', ['-c', `${command} -s`])
    const made = /location: (\S+)/i.exec(stdout)?.[1] ?? ''
    expect(made).not.to.equal(location)
    await ended(url, made)
    expect(world.service.of(made)[0]?.body.toString()).to.equal(payload)
  })

  it('changes how important a task is', async () => {
    const location = await submit({ delay: '1h' })
    const { page } = await openView(browser, url, location)
    await page.getByRole('button', { name: 'Priority…' }).click()
    await page.getByRole('dialog').getByLabel('Priority').selectOption('high')
    await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click()
    await page.locator('.fact').filter({ hasText: 'Priority' }).getByText('high').waitFor()
    expect(await show(url, location)).to.include({ priority: 'high' })
  })

  it('retries a selection, and follows what came of it', async () => {
    const failed = [await post(url, 'some.1', '{"n":1}'), await post(url, 'some.1', '{"n":2}'), await post(url, 'fail')]
    for (const location of failed) await ended(url, location)
    const { page } = await openView(browser, url, '/tasks?status=failed')
    for (const location of failed.slice(0, 2)) await page.getByLabel(`Select task ${numberOf(location)}`).check()
    await page.getByRole('button', { name: 'Retry…' }).click()
    await page.getByRole('button', { name: 'Retry 2 tasks' }).click()
    await page.locator('.notice', { hasText: '2 tasks retried.' }).getByRole('link', { name: 'Show them' }).click()
    await eventually(async () => expect(await listed(page)).to.have.members(failed.slice(0, 2).map(numberOf)))
    await eventually(async () =>
      expect(
        await world.sql('select id::text from tasks where retry_of = any ($1) order by id', [failed.map(numberOf)]),
      ).to.have.length(2),
    )
    expect(await show(url, failed[2] ?? '')).to.include({ retriedAs: null })
  })

  it('asks the node for nothing while the tab is hidden, and at once when it is seen again', async () => {
    const { page } = await openView(browser, url, '/services')
    await page.getByRole('row', { name: /svc/ }).waitFor()
    const hide = (hidden: boolean): Promise<unknown> =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { configurable: true, get: () => ${hidden} }); document.dispatchEvent(new Event('visibilitychange'))`,
      )
    // From its beginning the page goes by the clock of the test.
    await page.clock.install()
    await page.reload()
    await page.getByRole('row', { name: /svc/ }).waitFor()
    let asked = 0
    page.on('request', (request) => (asked += request.url().endsWith('/services') ? 1 : 0))
    await hide(true)
    await page.clock.runFor(120_000)
    expect(asked).to.equal(0)
    await hide(false)
    await eventually(() => expect(asked).to.equal(1))
  })
})
