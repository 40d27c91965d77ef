// The example services, run as they stand: with a secret they take only what was signed with it, a moment ago.
import { expect } from 'chai'
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { endsWithUs } from '../support/child.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { ended, openWorld, post } from '../support/world.ts'

const secret = (): string => `whsec_${randomBytes(24).toString('base64')}`
const [OURS, OTHER] = [secret(), secret()]
const BODY = '{"of":1,"ü":"ä"}'
const MINUTE_MS = 60_000

/** The header fields of a request, signed by each of these secrets; `ago`: when, ms. */
function signed(secrets: readonly string[], ago = 0, body = BODY): Record<string, string> {
  const at = new Date(Date.now() - ago)
  return {
    'webhook-id': 'k_0',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': secrets.map((one) => new Webhook(one).sign('k_0', at, body)).join(' '),
  }
}

/** One row a request: what is wrong with it, its header fields, and the answer. */
const REQUESTS: readonly (readonly [what: string, fields: () => Record<string, string>, status: number])[] = [
  ['signed with its secret', () => signed([OURS]), 200],
  ['signed 4 minutes ago', () => signed([OURS], 4 * MINUTE_MS), 200],
  ['signed with two secrets, its own last', () => signed([OTHER, OURS]), 200],
  ['signed with two secrets, its own first', () => signed([OURS, OTHER]), 200],
  ['signed with another secret', () => signed([OTHER]), 401],
  ['signed over another body', () => signed([OURS], 0, BODY.replace('1', '2')), 401],
  ['signed 6 minutes ago', () => signed([OURS], 6 * MINUTE_MS), 401],
  ['signed 6 minutes from now', () => signed([OURS], -6 * MINUTE_MS), 401],
  ['signed under another id', () => ({ ...signed([OURS]), 'webhook-id': 'k_1' }), 401],
  ['not signed', () => ({}), 401],
  ['with a signature that is empty', () => ({ ...signed([OURS]), 'webhook-signature': '' }), 401],
  ['with a time that is none', () => ({ ...signed([OURS]), 'webhook-timestamp': 'now' }), 401],
  ['with a signature of another version', () => ({ ...signed([OURS]), 'webhook-signature': signed([OURS])['webhook-signature']?.replace('v1,', 'v2,') ?? '' }), 401], // prettier-ignore
]

/** Starts a service on a port of its own, and stops it when the function has ended. */
async function during(command: readonly string[], env: Record<string, string>, run: (url: string) => Promise<void>) {
  const port = await freePort()
  const [program = '', ...args] = command
  const { PATH = '' } = process.env
  const child = endsWithUs(spawn(program, args, { env: { PATH, PORT: String(port), ...env }, stdio: 'ignore' }))
  const url = `http://127.0.0.1:${port}/tasks/work`
  try {
    await eventually(() => fetch(url, { method: 'POST', body: '{}' }))
    await run(url)
  } finally {
    child.kill('SIGKILL')
  }
}

for (const command of [
  ['node', 'examples/target-service.mjs'],
  ['python3', 'examples/target_service.py'],
])
  describe(command.join(' '), function () {
    before(function () {
      if (spawnSync(command[0] ?? '', ['--version']).status !== 0) this.skip()
    })

    it('takes what was signed with its secret, and nothing else', () =>
      during(command, { SIGNING_SECRET: OURS }, async (url) => {
        for (const [what, fields, status] of REQUESTS) {
          const response = await fetch(url, { method: 'POST', headers: fields(), body: BODY })
          expect(response.status, what).to.equal(status)
        }
      }))

    it('takes everything without a secret', () =>
      during(command, {}, async (url) => {
        expect((await fetch(url, { method: 'POST', body: BODY })).status).to.equal(200)
      }))

    it('runs the tasks of a node that has its secret among others, and fails those of a node that has not', () =>
      during(command, { SIGNING_SECRET: OURS }, async (url) => {
        const world = await openWorld()
        try {
          const at = { url: url.replace('work', '{action}') }
          const svc = { ...at, signing: { secrets: [OTHER, OURS] } }
          const wrong = { ...at, signing: { secrets: [OTHER] } }
          const node = await world.node({ services: { svc, wrong } })
          expect(await ended(node.url, await post(node.url, 'work', '{"of":3}'))).to.include({
            status: 'complete',
            step: 2,
          })
          const { error } = await ended(node.url, await post(node.url, 'work', '{}', 'wrong'))
          expect(error).to.include({ code: 'service_error', status: 401 })
        } finally {
          await world.close()
        }
      }))
  })
