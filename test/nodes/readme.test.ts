// The commands of README for callers, copied from it and run against the demo of a node.
import { expect } from 'chai'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endsWithUs } from '../support/child.ts'
import { createMigrated, type TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { NodeProcess } from '../support/node.ts'

const DIST = fileURLToPath(new URL('../..', import.meta.url))

/** The blocks of shell of a section. */
async function blocksOf(section: string): Promise<string[]> {
  const readme = await readFile('README.md', 'utf8')
  const text = readme.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? ''
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, block = '']) => block)
}

describe('the commands of README', () => {
  let database: TestDatabase
  let node: NodeProcess
  let folder: string
  before(async () => {
    database = await createMigrated()
    node = await NodeProcess.start({ DATABASE_URL: database.url })
    folder = await mkdtemp(join(tmpdir(), 'task_api-readme-'))
    await symlink(DIST, join(folder, 'dist'))
  })
  after(async () => {
    await node.dispose()
    await rm(folder, { recursive: true })
    await database.drop()
  })

  /** Runs a block as a person does who has copied it, but for the port; what it prints. */
  const run = async (block: string): Promise<string> => {
    const env = { PATH: process.env.PATH ?? '', TASK_API_URL: node.url }
    const text = block.replaceAll('http://127.0.0.1:3000', node.url)
    const child = endsWithUs(spawn('sh', ['-c', text], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }))
    const said: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    expect((await once(child, 'close'))[0], said.join('')).to.equal(0)
    return said.join('').replaceAll('\r', '')
  }
  const locationIn = (answer: string): string | undefined => /^location: (.*)$/im.exec(answer)?.[1]

  it('repeat a POST safely, by a key and by `unique`', async () => {
    const blocks = await blocksOf('Retry a POST safely')
    const marks = ['idempotency-replayed: true', 'task-existing: true']
    expect(blocks).to.have.length(marks.length)
    for (const [i, block] of blocks.entries()) {
      const [first, second] = [await run(block), await run(block)]
      expect(locationIn(first)).to.match(/^\/tasks\/\d+$/)
      expect(locationIn(second)).to.equal(locationIn(first))
      expect(first.toLowerCase()).not.to.include(marks[i])
      expect(second.toLowerCase()).to.include(marks[i])
    }
  })

  it('submit many tasks, find those that failed, and retry them', async () => {
    const [batch = '', file = '', ...more] = await blocksOf('Many tasks')
    expect(more).to.deep.equal([])
    // It may be run again: a machine can be so busy that the task has not failed yet.
    const retried = await eventually(async () => {
      const [made, failed, done] = (await run(batch))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown)
      expect(made).to.have.length(2)
      expect(failed).to.have.nested.property('[0].status', 'failed')
      return done
    })
    expect(retried).to.deep.equal({ matched: 1, done: 1, next: null })
    for (const said of [JSON.stringify(retried), await run(file)]) expect(batch + file).to.include(`# ${said.trim()}`)
  })

  it('submit for later, and wait for the end', async () => {
    const [later = '', ...more] = await blocksOf('Later and in order of importance')
    expect(more).to.deep.equal([])
    const begun = performance.now()
    expect(JSON.parse(await run(later))).to.include({ service: 'demo', action: 'echo', status: 'complete' })
    expect(performance.now() - begun).to.be.above(5_000)
  })

  it('pause, show, resume and limit a service', async () => {
    const [block = ''] = await blocksOf('Stop and slow a service')
    const said = await run(block)
    expect(said.match(/HTTP\/1\.1 200 /g)).to.have.length(4)
    expect(said.match(/"reason":"a repair"/g)).to.have.length(2)
    expect(said).to.include('"limit":{"concurrency":5,"rate":"20/s"}')
    expect(said.trim().split('\n').at(-1)).to.include('"paused":null').and.to.include('"limit":null')
  })
})
