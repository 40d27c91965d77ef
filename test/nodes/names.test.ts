// How nodes of one host are told apart: in their log and in their rows.
import { hostname } from 'node:os'
import { expect } from 'chai'
import { eventually } from '../support/eventually.ts'
import { Fleet } from '../support/fleet.ts'

const MISSPELT = 'a variable is nearly the name of a setting, and is not read'

const namesItself = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const nodes = [await fleet.start('a'), await fleet.start('b')]
    for (const node of nodes) expect(node.lines.some(({ msg }) => msg === MISSPELT)).to.equal(false)
    // Its row is deleted under it, so that it goes on as another node.
    await fleet.sql('delete from nodes')
    for (const node of nodes) await node.logged('the row of this node is gone; it goes on as a new node')
    const rows = await eventually(async () => {
      const found = await fleet.sql<{ id: string; name: string }>('select id, name from nodes')
      expect(found).to.have.length(2)
      return found
    })
    for (const node of nodes) {
      const { id } = rows.find(({ name }) => name === `${hostname()}:${new URL(node.url).port}`) ?? {}
      node.kill('SIGTERM')
      expect(await node.exited).to.equal(0)
      const ids = node.lines.map((line) => line.node)
      expect(new Set(ids).size, 'ids').to.equal(2)
      expect(ids.every((one) => typeof one === 'string')).to.equal(true)
      expect(node.lines.find(({ msg }) => msg === 'stopped')?.node).to.equal(id)
    }
  })

const misspelt = (): Promise<void> =>
  Fleet.during(async (fleet) => {
    const slipped = await fleet.start('a', { LOG_LEVLE: 'secret' })
    const line = slipped.lines.find(({ msg }) => msg === MISSPELT)
    expect(line).to.include({ level: 40, variable: 'LOG_LEVLE', meant: 'LOG_LEVEL' })
    expect(JSON.stringify(slipped.lines) + slipped.stderr).not.to.include('secret')
  })

describe('a node', function () {
  it('names itself in every line of its log, and in its row by host and port', namesItself)
  it('warns of a variable that is nearly a setting, and shows no value', misspelt)
})
