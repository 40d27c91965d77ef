// Takes a picture of each view of /ui, light and dark, wide and narrow, into docs/images: `npm run screenshots`.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { TIMINGS } from '../../src/core/timings.ts'
import { openView, startBrowser } from '../support/browser.ts'
import { mochaGlobalSetup, mochaGlobalTeardown } from '../support/engines.ts'
import { openWorld } from '../support/world.ts'
import { makeMess, openServices } from './mess.ts'

const FOLDER = 'docs/images'
const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 360, height: 780 } }

await mochaGlobalSetup()
const world = await openWorld()
const { services, close } = await openServices()
const browser = await startBrowser()
try {
  const { url } = await world.node({ services, timings: TIMINGS })
  await makeMess(url)
  const one = async (query: string): Promise<string> => {
    const [task] = (await (await fetch(`${url}/tasks?limit=1&${query}`)).json()) as { location: string }[]
    if (!task) throw new Error(`no task for ${query}`)
    return task.location
  }
  const views = [
    ['overview', '/', 'Queue time'],
    ['tasks', '/tasks', 'pending'],
    ['task', await one('service=reports&status=complete'), 'Result'],
    ['task-failed', await one('service=billing&status=failed'), 'service_error'],
    ['failed', '/failed', 'billing / charge'],
    ['services', '/services', 'ticket 4711'],
    ['schedules', '/schedules', 'nightly-report'],
    ['nodes', '/nodes', 'alive'],
    ['submit', '/submit', 'Payload'],
  ] as const
  await mkdir(FOLDER, { recursive: true })
  for (const [size, viewport] of Object.entries(SIZES))
    for (const colorScheme of ['light', 'dark'] as const)
      for (const [name, path, ready] of views) {
        const { page } = await openView(browser, url, path, { viewport, colorScheme, deviceScaleFactor: 1 })
        await page.getByText(ready).first().waitFor()
        await page.waitForLoadState('networkidle')
        const file = `${name}${size === 'wide' ? '' : '-narrow'}${colorScheme === 'light' ? '' : '-dark'}.png`
        await page.screenshot({ path: join(FOLDER, file) })
        await page.context().close()
      }
} finally {
  await browser.close()
  await world.close()
  close()
  await mochaGlobalTeardown()
}
