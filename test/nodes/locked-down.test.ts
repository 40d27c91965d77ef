// A node with nothing but what it needs: any user, no HOME, a file system that is read-only, as the first process of a container.
import { expect } from 'chai'
import { spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createMigrated } from '../support/databases.ts'
import { engines } from '../support/engines.ts'
import { eventually } from '../support/eventually.ts'
import { call } from '../support/load.ts'
import { Started } from '../support/started.ts'

const BIN = fileURLToPath(new URL('../../src/bin.js', import.meta.url))
const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** A user without a name, as containers have. */
const NAMELESS = '10001'
/** Postgres' own programs want a user that has one. */
const NOBODY = '65534'

/** A shell in a container of its own, whose every mount is read-only but for one folder. */
const inside = (script: string): string[] => [
  'unshare',
  '--pid',
  '--fork',
  '--mount',
  '--mount-proc',
  'sh',
  '-c',
  script,
]
const READ_ONLY = `awk '{ print $5 }' /proc/self/mountinfo | while read -r at; do mount -o remount,bind,ro "$at" 2>/dev/null; done`
const lockedDown = (writable: string, user: string): string[] =>
  inside(
    `mount --bind "${writable}" "${writable}" && ${READ_ONLY}; mount -o remount,bind,rw "${writable}" && cd "${ROOT}" &&
    exec setpriv --reuid=${user} --regid=${user} --clear-groups --no-new-privs --bounding-set=-all \
      env -i PATH="$PATH" $ENVIRONMENT "${process.execPath}" "${BIN}" start`,
  )

const [program = '', ...args] = inside(`${READ_ONLY}; ! touch ${ROOT}/dist/written 2>/dev/null`)
const isPossible = process.platform === 'linux' && spawnSync(program, args).status === 0

/** Starts a node, follows a task to its end, and stops the node by SIGTERM. */
async function serves(env: Readonly<Record<string, string>>, writable: string, user: string): Promise<void> {
  const environment = Object.entries({ PORT: '0', ...env }).map((pair) => pair.join('='))
  const node = new Started(
    { argv: lockedDown(writable, user), cwd: '/' },
    { PATH: process.env['PATH'], ENVIRONMENT: environment.join(' ') },
  )
  const agent = new Agent()
  try {
    const url = await node.url()
    const { headers } = await call(agent, 'POST', `${url}/tasks`, '{"service":"demo","action":"echo","payload":{}}')
    await eventually(async () => {
      expect((await call(agent, 'GET', url + String(headers.location))).body).to.include('"status":"complete"')
    }, 30_000)
    const [pid = 0] = spawnSync('pgrep', ['-P', String(node.pid)], { encoding: 'utf8' })
      .stdout.split('\n')
      .map(Number)
    expect(spawnSync('ps', ['-o', 'uid=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim()).to.equal(user)
    process.kill(pid, 'SIGTERM')
    await eventually(() => expect(node.child.exitCode, node.said).to.equal(0), 30_000)
  } finally {
    agent.destroy()
    node.child.kill('SIGKILL')
  }
}

describe('a node of any user, on a file system that is read-only', function () {
  this.timeout(120_000)
  let writable: string
  before(async function () {
    // Only root may make such a container.
    if (!isPossible) return this.skip()
    writable = await mkdtemp(join(tmpdir(), 'task_api-writable-'))
    await chmod(writable, 0o777)
  })
  after(async () => {
    if (writable) await rm(writable, { recursive: true, force: true })
  })

  it('serves, writes nothing to disk, and drains at SIGTERM', async () => {
    const { redisUrl } = await engines()
    const database = await createMigrated()
    try {
      await serves({ DATABASE_URL: database.url, REDIS_URL: redisUrl }, writable, NAMELESS)
    } finally {
      await database.drop()
    }
  })

  it('serves with the embedded Postgres in the one folder that can be written', () =>
    serves({ DATA_DIR: join(writable, 'data') }, writable, NOBODY))
})
