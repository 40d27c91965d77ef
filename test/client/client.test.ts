// A client that a public generator makes of docs/openapi.json: it compiles, and it drives a real node. `npm run test:client` runs this.
import { expect } from 'chai'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { DemoService } from '../../src/demo/demo.ts'
import { Fleet } from '../support/fleet.ts'
import { ServicesFile } from '../support/services-file.ts'

const run = promisify(execFile)

interface Calls {
  drive(url: string): Promise<object>
}

describe('a client generated from the OpenAPI document', () => {
  it('compiles, submits, waits, lists, cancels, and hears of refusals', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'task_api-client-'))
    const demo = new DemoService()
    await demo.start()
    await using file = await ServicesFile.create({ demo: { url: demo.url } })
    try {
      await cp('test/client/project', folder, { recursive: true })
      const inside = { cwd: folder }
      await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], inside)
      const bin = (name: string): string => join(folder, 'node_modules', '.bin', name)
      await run(bin('openapi-typescript'), [resolve('docs/openapi.json'), '-o', 'schema.d.ts'], inside)
      await run(bin('tsc'), ['-p', '.'], inside)
      const { drive } = (await import(pathToFileURL(join(folder, 'calls.js')).href)) as Calls
      const seen = await Fleet.during(async (fleet) => {
        const node = await fleet.start('a', { TASK_API_CONFIG: file.path })
        return drive(node.url)
      })
      expect(seen).to.deep.equal({
        ended: 'complete',
        result: { from: 3, to: 3 },
        followed: 'pending',
        batch: 2,
        cancelled: 'cancelled',
        labels: { of: 'batch' },
        listed: true,
        refused: 'unknown_service',
        invalid: [{ pointer: '/action', detail: '`action` is missing.' }],
      })
    } finally {
      await demo.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
})
