// A node with too few file descriptors for what it has to do: no task pays for it, and it heals by itself.
import { expect } from 'chai'
import { readdir } from 'node:fs/promises'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'
import type { NodeProcess } from '../support/node.ts'

const FILES = 150
const TASKS = 300
const SHORT = 'this node lacks what requests need; they wait'
const TOO_FEW = 'too few open files are allowed for SLOTS and the connections; raise `ulimit -n`'

const lines = ({ lines: all }: NodeProcess, msg: string) => all.filter((line) => line.msg === msg)
const open = async ({ pid }: NodeProcess): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length

describe('a node with too few file descriptors', function () {
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('lets no task pay for it, says so once, and gives its idle connections back', () =>
    Fleet.during(async (fleet) => {
      const retry = { attempts: 1 }
      const node = await fleet.start('a', {}, { concurrency: 500, retry }, FILES)
      expect(lines(node, TOO_FEW)[0]).to.include({ level: 40, limit: FILES })
      const before = await open(node)

      // Whatever hints a service gives, its idle connections go.
      fleet.service.keepAlive = 600_000
      await fleet.sql(
        `insert into tasks (key, service, action, payload, payload_bytes)
        select gen_random_uuid(), 'svc', 'held', '{}', 2 from generate_series(1, $1)`,
        [TASKS],
      )
      await node.logged(SHORT)
      expect(lines(node, SHORT)[0]?.['why']).to.include('EMFILE')

      await eventually(async () => {
        fleet.service.letGo()
        expect(await fleet.unended()).to.equal(0)
      }, 60_000)
      const ends = await fleet.sql('select status, fails, count(*)::integer from tasks group by 1, 2')
      expect(ends).to.deep.equal([{ status: 'complete', fails: 0, count: TASKS }])
      expect(lines(node, SHORT).length).to.be.at.most(3)

      await eventually(async () => expect(await open(node)).to.be.below(before + 40), 30_000)
      expect((await fetch(`${node.url}/readyz`)).status).to.equal(200)
    }))

  it('has nothing to say where there are enough', () =>
    Fleet.during(async (fleet) => {
      const node = await fleet.start('a', {}, {}, 10_000)
      expect(lines(node, TOO_FEW)).to.deep.equal([])
    }))
})
