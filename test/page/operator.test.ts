// What an operator does on the page: sees what is wrong, why, and sets it right for all that are concerned.
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openWorld, post, show, type World } from '../support/world.ts'

describe('an operator', () => {
  let world: World
  let browser: Browser
  let url: string
  let page: Page
  let complaints: string[]
  before(async () => {
    world = await openWorld()
    browser = await startBrowser()
    url = (await world.node({ services: { svc: {}, billing: {} } })).url
    ;({ page, complaints } = await openView(browser, url, '/'))
  })
  after(async () => {
    await browser.close()
    await world.close()
  })
  afterEach(() => expect(complaints.splice(0).join('\n')).to.equal(''))

  const to = (name: string): Promise<void> => page.getByRole('navigation').getByRole('link', { name }).click()
  const notice = (text: string): Promise<void> => page.locator('.notice').getByText(text).first().waitFor()
  const failed = (count: number): Promise<unknown> =>
    eventually(async () => expect(await world.sql(`select 1 from tasks where status = 'failed'`)).to.have.length(count))

  it('sees that nothing is wrong', async () => {
    await page.getByText('Nothing needs you.').waitFor()
    await page
      .getByRole('row', { name: /billing/ })
      .getByText('in use')
      .waitFor()
  })

  it('sees why a service does nothing, and lets it go on', async () => {
    await to('Services')
    const row = page.getByRole('row', { name: /billing/ })
    await row.getByRole('button', { name: 'Pause…' }).click()
    await page.getByLabel('Reason').fill('the bank is closed')
    await page.getByRole('dialog').getByRole('button', { name: 'Pause billing' }).click()
    await row.getByText('the bank is closed').waitFor()
    const location = await post(url, 'ok', undefined, 'billing')
    await to('Overview')
    await page.getByRole('listitem').getByText('billing is paused: the bank is closed').click()
    await row.getByRole('button', { name: 'Resume' }).click()
    await notice('billing goes on.')
    expect((await ended(url, location)).status).to.equal('complete')
    await row.getByText('in use').waitFor()
  })

  it('limits a service, and takes the limit back', async () => {
    const row = page.getByRole('row', { name: /billing/ })
    await row.getByRole('button', { name: 'Limit…' }).click()
    await page.getByLabel('Requests at once').fill('3')
    await page.getByLabel('Rate').fill('50/s')
    await page.getByRole('button', { name: 'Set the limit' }).click()
    await row.getByText('3 over all nodes').waitFor()
    await row.getByRole('button', { name: 'Limit…' }).click()
    await page.getByLabel('Requests at once').fill('')
    await page.getByLabel('Rate').fill('')
    await page.getByLabel('Burst').fill('')
    await page.getByRole('button', { name: 'Set the limit' }).click()
    await row.getByText('3 over all nodes').waitFor({ state: 'detached' })
  })

  it('finds what has failed by kind, and retries one kind at a rate', async () => {
    await Promise.all(Array.from({ length: 6 }, (_, i) => post(url, 'some.1', JSON.stringify({ n: i }), 'billing')))
    const other = await post(url, 'status.404')
    await failed(7)
    await to('Failed')
    const group = page.getByRole('article').filter({ hasText: 'billing / some.1' })
    await group.getByText('6', { exact: true }).first().waitFor()
    await group.getByRole('button', { name: 'Retry…' }).click()
    await page.getByRole('dialog').getByText('6 tasks match').waitFor()
    await page.getByLabel('Rate').fill('100/s')
    await page.getByRole('button', { name: 'Retry 6 tasks' }).click()
    await notice('6 tasks retried.')
    await group.waitFor({ state: 'detached' })
    await eventually(async () =>
      expect(await world.sql(`select 1 from tasks where retry_of is not null and status = 'complete'`)).to.have.length(
        6,
      ),
    )
    expect((await show(url, other))?.status).to.equal('failed')
    await page.getByRole('article').filter({ hasText: 'svc / status.404' }).waitFor()
  })

  it('cancels a selection, by the keyboard', async () => {
    const held = await Promise.all(['held', 'held', 'held'].map((action) => post(url, action)))
    await to('Tasks')
    await page.getByRole('button', { name: 'running' }).click()
    for (const location of held) await page.getByRole('link', { name: location.slice(7), exact: true }).waitFor()
    expect(page.url()).to.match(/status=running/)
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.keyboard.press('j')
    await page.keyboard.press('x')
    await page.getByText('2 tasks selected').waitFor()
    await page.getByRole('button', { name: 'Cancel…' }).click()
    await page.getByRole('dialog').getByText('2 tasks match').waitFor()
    await page.getByRole('button', { name: 'Cancel 2 tasks' }).click()
    await notice('2 tasks cancelled.')
    await eventually(async () =>
      expect(await world.sql(`select 1 from tasks where error->>'code' = 'cancelled'`)).to.have.length(2),
    )
    await page.getByRole('link', { name: held[0]?.slice(7) ?? '', exact: true }).click()
    await page.getByText('running', { exact: true }).first().waitFor()
    world.service.letGo()
    await page.getByText('complete', { exact: true }).waitFor()
  })

  it('deletes all that match, after the count', async () => {
    await page.goto(`${url}/ui#/tasks?status=failed&service=svc`)
    await page.getByRole('link', { name: 'status.404' }).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Delete…' }).click()
    await page.getByRole('dialog').getByText('3 tasks match').waitFor()
    await page.getByRole('button', { name: 'Delete 3 tasks' }).click()
    await notice('3 tasks deleted.')
    await page.getByText('No task matches.').waitFor()
    expect(await world.sql(`select 1 from tasks where status = 'failed' and service = 'svc'`)).to.have.length(0)
  })
})
