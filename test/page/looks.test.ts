// How the page looks and reads: contrast, names and order by axe-core, no view wider than the screen, and what it weighs.
import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { eventually } from '../support/eventually.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

const AXE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
/** What axe-core finds, as text. */
const FAULTS =
  'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`))'
/** The first view weighs at most so many bytes over the wire. */
const FIRST_VIEW = 150 * 1024
/** The longest that the page may keep the browser busy at a stretch, ms of its thread's own time: 100, and twice that on a machine at half its speed. */
const BUSY_MS = 200

describe('the looks of the page', () => {
  let world: World
  let browser: Browser
  let url: string
  const views: [name: string, path: string, ready: string][] = []
  before(async () => {
    world = await openWorld()
    browser = await startBrowser()
    const node = await world.node({ services: { svc: { attemptLog: 'all' }, other: {} } })
    url = node.url
    const [steps, failed, held] = [await post(url, 'steps.2'), await post(url, 'fail'), await post(url, 'hang')]
    await ended(url, steps)
    await ended(url, failed)
    // The counts of the hour come up to 10 s later, and what they say is looked at, too.
    await eventually(async () => {
      const services = (await (await fetch(`${url}/services`)).json()) as { lastHour: { failed: number } }[]
      expect(services.some(({ lastHour }) => lastHour.failed > 0)).to.equal(true)
    }, 20_000)
    const json = { 'content-type': 'application/json' }
    await fetch(`${url}/services/other/pause`, { method: 'POST', headers: json, body: '{"reason":"a reason"}' })
    await fetch(`${url}/schedules/daily`, {
      method: 'PUT',
      headers: json,
      body: '{"cron":"0 3 * * *","task":{"service":"svc","action":"ok"}}',
    })
    views.push(
      ['the overview', '/', 'other is paused'],
      ['the tasks', '/tasks', 'steps.2'],
      ['a task that is complete', steps, 'Result'],
      ['a task that has failed', failed, 'service_error'],
      ['a task that runs', held, 'Explanation'],
      ['the failed', '/failed', 'svc / fail'],
      ['the services', '/services', 'a reason'],
      ['the schedules', '/schedules', 'daily'],
      ['the nodes', '/nodes', 'alive'],
      ['the form', '/submit', 'Payload'],
    )
  })
  after(async () => {
    await browser.close()
    await world.close()
  })

  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))

  for (const [colorScheme, width] of [
    ['light', 360],
    ['dark', 1440],
  ] as const)
    it(`are without fault for axe-core, and no wider than the screen (${colorScheme}, ${width} px)`, async () => {
      const { page, complaints } = await openView(browser, url, '/', { colorScheme, viewport: { width, height: 900 } })
      await page.evaluate(AXE)
      for (const [name, path, ready] of views) {
        await page.evaluate(`location.hash = ${JSON.stringify(path)}`)
        const shown =
          ready === 'Explanation' ? page.getByRole('region', { name: ready }) : page.getByText(ready).first()
        await shown.waitFor()
        expect(await page.evaluate(FAULTS), name).to.deep.equal([])
        for (const wide of [360, 860, 2560]) {
          await page.setViewportSize({ width: wide, height: 900 })
          await eventually(async () =>
            expect(await page.evaluate('document.documentElement.scrollWidth'), name).to.be.at.most(wide),
          )
        }
        await page.setViewportSize({ width, height: 900 })
      }
      expect(complaints).to.deep.equal([])
    })

  it('have dialogs without fault for axe-core, which keep the focus and give it back', async () => {
    const { page } = await openView(browser, url, '/services')
    await page.evaluate(AXE)
    const button = page.getByRole('row', { name: /svc/ }).getByRole('button', { name: 'Pause…' })
    await button.click()
    await page.getByRole('dialog').waitFor()
    for (let i = 0; i < 6; i += 1) await page.keyboard.press('Tab')
    expect(
      await page.evaluate(
        `document.activeElement.closest('dialog') !== null || document.activeElement === document.body`,
      ),
    ).to.equal(true)
    const faults = await page.evaluate(FAULTS)
    expect(faults).to.deep.equal([])
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.textContent')).to.equal('Pause…')
  })

  it('weigh at most 150 KiB over the wire until the first view is there', async () => {
    const { page } = await openView(browser, 'about:blank?', '')
    let weight = 0
    const session = await page.context().newCDPSession(page)
    await session.send('Network.enable')
    session.on('Network.loadingFinished', ({ encodedDataLength }) => (weight += encodedDataLength))
    await page.goto(`${url}/ui`)
    await page.getByText('other is paused').waitFor()
    expect(weight).to.be.within(20_000, FIRST_VIEW)
  })

  it('let 1,000 tasks be scrolled through and filtered, and are never busy for long', async () => {
    const tasks = Array.from({ length: 500 }, (_, i) => ({
      service: 'svc',
      action: i % 2 === 0 ? 'ok' : 'fail',
      delay: '1h',
    }))
    for (const _ of [1, 2, 3])
      await fetch(`${url}/tasks/batch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(tasks),
      })
    const { page } = await openView(browser, url, '/tasks')
    await page.getByRole('row').nth(40).waitFor()
    await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] })
    for (let rows = 0; rows < 1_000; rows = await page.getByRole('row').count()) {
      await page.mouse.wheel(0, 4_000)
      await page.evaluate('new Promise(requestAnimationFrame)')
    }
    await page.getByRole('button', { name: 'pending' }).click()
    await page.getByLabel('Service').selectOption('other')
    await page.getByText('No task matches.').waitFor()
    const trace = JSON.parse((await browser.stopTracing()).toString()) as {
      traceEvents: { name: string; args?: { name?: string }; tdur?: number; pid: number; tid: number }[]
    }
    // The threads of all pages: none of them may be busy for long.
    const mains = new Set(
      trace.traceEvents.filter(({ args }) => args?.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`),
    )
    const busy = trace.traceEvents
      .filter(({ name, pid, tid }) => name === 'RunTask' && mains.has(`${pid} ${tid}`))
      .map(({ tdur = 0 }) => tdur / 1000)
    expect(busy.length).to.be.above(100)
    expect(Math.max(...busy)).to.be.below(BUSY_MS)
  })
})
