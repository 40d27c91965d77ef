// What somebody does on the page with one task, and with schedules.
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { ended, openWorld, post, show, type World } from '../support/world.ts'

describe('somebody with a task', () => {
  let world: World
  let browser: Browser
  let url: string
  let page: Page
  let complaints: string[]
  before(async () => {
    world = await openWorld()
    browser = await startBrowser()
    url = (await world.node({ services: { svc: { attemptLog: 'all', keepStates: 5 } } })).url
    ;({ page, complaints } = await openView(browser, url, '/submit'))
  })
  after(async () => {
    await browser.close()
    await world.close()
  })
  afterEach(() => expect(complaints.splice(0).join('\n')).to.equal(''))

  const dialog = () => page.getByRole('dialog')
  const section = (name: string) => page.getByRole('region', { name })
  const open = (location: string): Promise<unknown> => page.goto(`${url}/ui#${location}`)

  it('submits it, follows it live, and its payload is sent as it was written', async () => {
    const payload = '{"big": 12345678901234567890, "big": 1.10, "2":0, "1":0}'
    await page.getByLabel('Action').fill('heldstep')
    await page.getByRole('textbox', { name: 'Payload' }).fill(payload)
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('running', { exact: true }).first().waitFor()
    await world.service.until((all) => all.length >= 2)
    const [seen] = world.service.requests
    expect(seen?.body.toString()).to.equal(payload)
    await section('Payload').getByText('12345678901234567890').waitFor()
    world.service.letGo()
    await page.getByText('complete', { exact: true }).waitFor()
  })

  it('is told what is wrong with it, and loses nothing that was written', async () => {
    await page.getByRole('textbox', { name: 'Payload' }).fill('{"a":')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('alert').getByText('The payload is no JSON').waitFor()
    await page.getByRole('textbox', { name: 'Payload' }).fill('{}')
    await page.getByText('Options').click()
    await page.getByLabel('Delay').fill('soon')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByRole('alert').getByText('/delay').waitFor()
    expect(await page.getByLabel('Action').inputValue()).to.equal('heldstep')
  })

  it('reads its tries, and what came of it', async () => {
    const location = await post(url, 'steps.2')
    await ended(url, location)
    await open(location)
    await section('Tries').getByText('206').nth(1).waitFor()
    await section('Tries').getByText('200').waitFor()
    await section('Result').getByText('"at"').waitFor()
    const failed = await post(url, 'fail')
    await ended(url, failed)
    await open(failed)
    await section('Error').getByText('service_error').waitFor()
    await section('Error').getByText('{"why":"no"}').waitFor()
  })

  it('reads in words why it waits, and lets it run now', async () => {
    const { location } = (await (
      await fetch(`${url}/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', prefer: 'return=representation' },
        body: '{"service":"svc","action":"ok","delay":"2h"}',
      })
    ).json()) as { location: string }
    await open(location)
    await section('Explanation').getByText('delayed').waitFor()
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByText('complete', { exact: true }).waitFor()
  })

  it('retries it from a step with another payload', async () => {
    const location = await post(url, 'steps.3')
    await ended(url, location)
    await open(location)
    await page.getByRole('button', { name: 'Retry…' }).click()
    await dialog().getByLabel('Begin').selectOption('step')
    await dialog().getByRole('spinbutton').fill('1')
    await dialog().getByLabel('Change the payload').check()
    await dialog().getByLabel('Payload of the first request').fill('{"at": 10000000000000000001}')
    await dialog().getByRole('button', { name: 'Retry' }).click()
    await page.waitForURL(({ hash }) => hash !== `#${location}`)
    await page.getByRole('heading', { name: /^Task \d+ complete$/ }).waitFor()
    const retry = page.url().replace(/.*#/, '')
    expect(retry).not.to.equal(location)
    const [first] = world.service.of(retry)
    expect([first?.step, first?.body.toString()]).to.deep.equal([1, '{"at": 10000000000000000001}'])
    expect(await show(url, location)).to.include({ retriedAs: retry })
  })

  it('cancels it while it runs, and deletes it', async () => {
    const location = await post(url, 'hang')
    await open(location)
    await page.getByRole('button', { name: 'Cancel…' }).click()
    await dialog().getByRole('button', { name: 'Cancel the task' }).click()
    await section('Error').getByText('cancelled', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Delete…' }).click()
    await dialog().getByRole('button', { name: 'Delete the task' }).click()
    await page.getByText('it was deleted').waitFor()
    expect(await show(url, location)).to.equal(undefined)
  })

  it('makes a schedule, runs it now, pauses it, and deletes it', async () => {
    await open('/schedules')
    await page.getByRole('button', { name: 'New schedule…' }).click()
    await dialog().getByLabel('Name').fill('nightly')
    await dialog().getByLabel('Cron').fill('0 3 * * 9')
    await dialog().getByLabel('Service').selectOption('svc')
    await dialog().getByLabel('Action').fill('echo')
    await dialog().getByRole('textbox', { name: 'Payload' }).fill('{"n": 1.0}')
    await dialog().getByRole('button', { name: 'Make it' }).click()
    await dialog().getByRole('alert').getByText('/cron').waitFor()
    await dialog().getByLabel('Cron').fill('0 3 * * *')
    await dialog().getByRole('button', { name: 'Make it' }).click()
    const row = page.getByRole('row', { name: /nightly/ })
    await row.getByText('never ran').waitFor()
    await row.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('link', { name: 'Follow it' }).click()
    await section('Result').getByText('1.0').waitFor()
    await page.goBack()
    await row.getByRole('button', { name: 'Pause' }).click()
    await row.getByText('paused', { exact: true }).waitFor()
    await row.getByRole('button', { name: 'Delete…' }).click()
    await dialog().getByRole('button', { name: 'Delete the schedule' }).click()
    await page.getByText('There is no schedule.').waitFor()
  })
})
