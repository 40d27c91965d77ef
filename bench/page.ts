// `npm run bench:page`: what the page /ui weighs, how soon it is of use, and what open pages cost a node. Linux only.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { startBrowser } from '../test/support/browser.ts'
import { origin, publish, table } from '../test/support/printed.ts'
import { plainEnvironment, Started } from '../test/support/started.ts'
import { cpuOf } from './processes.ts'

const PAGES = 20
const VIEWS = ['/', '/tasks', '/failed', '/services']
const MEASURED_MS = 60_000
/** Loads with an empty cache, each in a profile of its own. */
const LOADS = 7

const begun = performance.now()
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The bytes over the wire, and the time until the figures are there, ms, of a load with an empty cache. */
async function load(browser: Browser, url: string): Promise<{ bytes: number; ms: number }> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  let bytes = 0
  await session.send('Network.enable')
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  const from = performance.now()
  await page.goto(`${url}/ui`)
  await page.getByText('Complete, last hour').waitFor()
  const ms = performance.now() - from
  await page.waitForLoadState('networkidle')
  await context.close()
  return { bytes, ms }
}

/** The CPU time of the node with its Postgres, in per cent of a core, over a minute. */
async function cost(pid: number): Promise<number> {
  const before = cpuOf([pid])
  await pause(MEASURED_MS)
  return ((cpuOf([pid]) - before) / MEASURED_MS) * 100
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'task_api-page-'))
  const node = new Started(
    { argv: ['node', 'src/task_api.mjs', 'start'], cwd: process.cwd() },
    { ...plainEnvironment(), PORT: '0', DATA_DIR: join(folder, 'data') },
  )
  const browser = await startBrowser()
  try {
    const url = await node.url()
    const tasks = Array.from({ length: 1_000 }, (_, i) => ({ service: 'demo', action: i % 3 === 0 ? 'fail' : 'echo' }))
    await fetch(`${url}/tasks/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(tasks),
    })
    await pause(15_000)
    const loads = []
    for (let i = 0; i < LOADS; i += 1) loads.push(await load(browser, url))
    const times = loads.map(({ ms }) => ms).toSorted((one, other) => one - other)
    const idle = await cost(node.pid)
    for (let i = 0; i < PAGES; i += 1) {
      const page = await (await browser.newContext()).newPage()
      await page.goto(`${url}/ui#${VIEWS[i % VIEWS.length]}`)
    }
    await pause(10_000)
    const open = await cost(node.pid)
    const rows = [
      [
        'bytes over the wire until the first view is there',
        `${Math.round((loads[0]?.bytes ?? 0) / 1024)} KiB`,
        '≤ 150 KiB',
      ],
      [
        'a cold load until the figures are there: median of 7, and the slowest',
        `${times[3]?.toFixed(0)} ms, ${times.at(-1)?.toFixed(0)} ms`,
        '≤ 1 s',
      ],
      [
        `${PAGES} open pages: CPU of the node and its Postgres beyond that without a page`,
        `${(open - idle).toFixed(2)} % of a core (${idle.toFixed(2)} % without)`,
        '≤ 2 %',
      ],
    ]
    const lines = [
      origin('npm run bench:page', (performance.now() - begun) / 1_000),
      '',
      ...table(['Figure', 'Measured', 'Wanted'], rows),
    ]
    process.stdout.write(`${lines.join('\n')}\n`)
    if (process.argv.includes('--write')) publish('performance', 'page', lines)
  } finally {
    await browser.close()
    node.child.kill('SIGTERM')
    await new Promise((resolve) => node.child.once('exit', resolve))
    await rm(folder, { recursive: true, force: true })
  }
}

await main()
