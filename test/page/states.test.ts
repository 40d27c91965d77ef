// The states of the page: a key, no rights, nothing there, a node that is away, and whatever strings tasks may carry.
import { expect } from 'chai'
import { createServer, request, type Server } from 'node:http'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Browser } from 'playwright-core'
import { openView, startBrowser } from '../support/browser.ts'
import { aKey, tokenOf } from '../support/keys.ts'
import { TcpProxy } from '../support/tcp-proxy.ts'
import { ended, openWorld, post, type World } from '../support/world.ts'

const NAUGHTY = readFileSync(fileURLToPath(import.meta.resolve('big-list-of-naughty-strings')), 'utf8')

describe('the page', () => {
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

  afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))

  it('says where there is nothing yet', async () => {
    const { page, complaints } = await openView(browser, url, '/tasks')
    await page.getByText('No task is there yet.').waitFor()
    await page.goto(`${url}/ui#/failed`)
    await page.getByText('Nothing has failed').waitFor()
    await page.goto(`${url}/ui#/tasks/999`)
    await page.getByText('There is no task 999.').waitFor()
    await page.goto(`${url}/ui#/elsewhere`)
    await page.getByText('The page has no such view.').waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('asks for a key, keeps it for the tab, and shows no actions to who may only read', async () => {
    const keys = [
      aKey('reader', { scopes: ['read'] }),
      aKey('canceller', { scopes: ['read', 'cancel', 'submit'] }),
      aKey('operator'),
    ]
    const node = await world.node({ keys })
    const { page } = await openView(browser, node.url, '/services')
    const signIn = async (token: string) => {
      await page.getByLabel('Token').fill(token)
      await page.getByRole('button', { name: 'Sign in' }).click()
    }
    await page.getByText('wants a key').waitFor()
    await signIn('tk_wrong')
    await page.getByText('The key does not count here').waitFor()
    for (const name of ['reader', 'canceller']) {
      await signIn(tokenOf(name))
      await page.getByRole('row', { name: /svc/ }).waitFor()
      expect(await page.getByRole('button', { name: 'Pause…' }).count()).to.equal(0)
      await page.reload()
      await page.getByText(name, { exact: true }).waitFor()
      await page.goto(`${node.url}/ui#/tasks`)
      await page.getByText('No task is there yet.').waitFor()
      expect(await page.getByRole('toolbar').count()).to.equal(0)
      await page.goto(`${node.url}/ui#/services`)
      await page.getByRole('button', { name: 'Sign out' }).click()
    }
    await signIn(tokenOf('operator'))
    await page.getByRole('button', { name: 'Pause…' }).waitFor()
    expect(await page.evaluate('localStorage.length')).to.equal(0)
    await node.stop()
  })

  it('says that the node is away, keeps what it shows, and comes back by itself', async () => {
    const node = new URL(url)
    const proxy = new TcpProxy()
    await proxy.listen(Number(node.port))
    const { page } = await openView(browser, `http://127.0.0.1:${proxy.port}`, '/services')
    const row = page.getByRole('row', { name: /svc/ })
    await row.waitFor()
    await proxy.close()
    await page.getByRole('alert').getByText('The node does not answer').waitFor()
    await row.waitFor()
    await proxy.listen(Number(node.port))
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await proxy.close()
  })

  it('works below whatever path a proxy serves it', async () => {
    const proxy = await subPath('/tools/tasks', url)
    const { page, complaints } = await openView(
      browser,
      `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/tools/tasks`,
      '/submit',
    )
    await page.getByLabel('Action').fill('ok')
    await page.getByRole('button', { name: 'Submit' }).click()
    await page.getByText('complete', { exact: true }).waitFor()
    expect(complaints).to.deep.equal([])
    proxy.close().closeAllConnections()
  })

  it('shows strings as text, whatever they are, and runs none', async () => {
    const echoed = await post(url, 'echo', NAUGHTY)
    await ended(url, echoed)
    const loud = await world.serve((_, response) =>
      response.writeHead(500).end('<img src=x onerror=alert(1)>\u202e{{7*7}}'),
    )
    const node = await world.node({ services: { svc: {}, loud: { url: loud } } })
    const failed = await post(node.url, 'a', '{}', 'loud')
    await ended(node.url, failed)
    const { page, complaints } = await openView(browser, node.url, echoed)
    page.on('dialog', () => complaints.push('a script was run'))
    const result = page.getByRole('region', { name: 'Result' })
    await result.getByRole('searchbox').fill('<script>alert')
    await result.locator('mark').waitFor()
    expect(await result.locator('script, img, iframe, svg').count()).to.equal(0)
    await page.goto(`${node.url}/ui#${failed}`)
    await page.getByText('<img src=x onerror=alert(1)>').first().waitFor()
    await page.goto(`${node.url}/ui#/failed`)
    await page.getByText('<img src=x').waitFor()
    expect(complaints).to.deep.equal([])
  })

  it('shows a payload of a MiB in parts, finds in it, and copies it to the byte', async () => {
    const rows = Array.from({ length: 20_000 }, (_, i) => `{"row": ${i}.0, "name": "n${i}"}`)
    const payload = `[${rows.join(', ')}, 9223372036854775807]`
    const location = await post(url, 'none', payload)
    await ended(url, location)
    const { page } = await openView(browser, url, location, { permissions: ['clipboard-read', 'clipboard-write'] })
    const shown = page.getByRole('region', { name: 'Payload' })
    await shown
      .getByText(`${(Buffer.byteLength(payload) / 1024).toFixed(0)} KiB`)
      .first()
      .waitFor()
    expect(await shown.getByRole('button', { expanded: true }).count()).to.equal(0)
    await shown.getByRole('searchbox').fill('"n19999"')
    await shown.getByText('19999.0').waitFor()
    await shown.getByRole('searchbox').fill('{"row": 19998.0')
    await shown.locator('mark').getByText('{', { exact: true }).waitFor()
    await shown.getByRole('searchbox').fill('9223372036854775807')
    await shown.locator('mark').getByText('9223372036854775807').waitFor()
    expect(await shown.locator('.json-leaf, .json-box').count()).to.be.below(500)
    await shown.getByRole('button', { name: 'Copy payload' }).click()
    await shown.getByText('Copied').waitFor()
    expect((await page.evaluate('navigator.clipboard.readText()')) === payload).to.equal(true)
  })
})

/** A proxy that serves a node below a path. */
async function subPath(path: string, url: string): Promise<Server> {
  const proxy = createServer((asked, answered) => {
    if (!asked.url?.startsWith(path)) return void answered.writeHead(404).end()
    const onward = request(
      url + asked.url.slice(path.length),
      { method: asked.method, headers: asked.headers },
      (response) => {
        answered.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answered)
      },
    )
    asked.pipe(onward)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return proxy
}
