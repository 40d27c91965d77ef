// The examples of the OpenAPI document, in its order, against a real node: each is answered as the document says.
import { expect } from 'chai'
import { hostname } from 'node:os'
import { exchangesOf, operationsOf } from '../../src/api/document.ts'
import { DemoService } from '../../src/demo/demo.ts'
import { Fleet } from '../support/fleet.ts'
import type { NodeProcess } from '../support/node.ts'
import { DOCUMENT, judged } from '../support/openapi.ts'
import { ServicesFile } from '../support/services-file.ts'

/** Members whose values are another each time. */
const VARY = new Set([
  'ms',
  'version',
  'node',
  'nodes',
  'url',
  'running',
  'waiting',
  'delayed',
  'oldestSeconds',
  'lastHour',
])
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g

/** What an answer says each time that it is given. */
function lasting(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(lasting)
  if (typeof value === 'string') return value.replaceAll(TIME, '(time)').replaceAll(/^id: .*$/gm, 'id: (version)')
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, VARY.has(name) ? '(varies)' : lasting(inner)]),
  )
}

/** The tasks that an answer names. */
const tasksIn = (text: string): string[] => [...text.matchAll(/"location":"\/tasks\/(\d+)"/g)].map(([, id = '']) => id)

describe('the examples of the OpenAPI document', () => {
  const demo = new DemoService()
  let fleet: Fleet
  let file: ServicesFile
  let node: NodeProcess
  /** The ids of the document, and those of the database. */
  const real = new Map<string, string>()

  before(async () => {
    fleet = await Fleet.open()
    await demo.start()
    file = await ServicesFile.create({ demo: { url: demo.url } })
    node = await fleet.start('a', { TASK_API_CONFIG: file.path })
  })
  after(async () => {
    await fleet.close()
    await demo.stop()
    await file[Symbol.asyncDispose]()
  })

  const toReal = (text: string): string =>
    text.replaceAll(/\/tasks\/(\d+)/g, (whole, id: string) => (real.has(id) ? `/tasks/${real.get(id)}` : whole))
  const toTold = (text: string): string => {
    const told = new Map([...real].map(([id, other]) => [other, id]))
    return text.replaceAll(/\/tasks\/(\d+)/g, (_whole, id: string) => `/tasks/${told.get(id) ?? `(unknown ${id})`}`)
  }

  for (const placed of operationsOf(DOCUMENT)) {
    for (const { name, method, path, headers, body, status, answer } of exchangesOf(DOCUMENT, placed)) {
      it(`${placed.operation.operationId}, ${name}: ${method} ${path} is answered ${status}`, async () => {
        const response = await fetch(node.url + toReal(path), {
          method,
          redirect: 'manual',
          headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        })
        const text = await response.text()
        expect(String(response.status), text).to.equal(status)
        expect(judged(method, placed.path, { status: response.status, headers: response.headers, text })).to.equal('')
        if (answer === undefined) return
        const ids = tasksIn(text)
        for (const [place, id] of tasksIn(JSON.stringify(answer)).entries())
          if (!real.has(id)) real.set(id, ids[place] ?? '')
        const told = toTold(text).replaceAll(`${hostname()}:${new URL(node.url).port}`, 'host:3000')
        expect(lasting(typeof answer === 'string' ? told : JSON.parse(told))).to.deep.equal(lasting(answer))
      })
    }
  }
})
