// Tasks of a service that nobody knows, held by an owner of whom nothing is left, not even its row.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import { openBench } from '../support/bench.ts'

describe('a task of a forgotten service', () => {
  it('fails also where its owner has no row any more, and others of that owner are left to a full pass', async () => {
    const bench = await openBench()
    const [live, gone] = [await bench.node(), randomUUID()]
    const rowOf = (service: string, node: string): Promise<string> =>
      bench.row(`service = $1, status = 'running', node = $2, token = 5`, [service, node])
    const lost = [await rowOf('old', gone), await rowOf('old', randomUUID()), await rowOf('old', gone)]
    const kept = [await rowOf('svc', gone), await rowOf('old', live)]
    const before = await Promise.all(kept.map(bench.whole))
    await bench.store.adoptOwners()
    const failed = await bench.store.failUnknown(60_000)
    expect(failed.map(({ id }) => id).sort()).to.deep.equal(lost.sort())
    const row = await bench.read(lost[0] ?? '')
    expect(row).to.include({ status: 'failed', node: null, finished: true })
    expect(JSON.parse(row?.error ?? '')).to.include({ code: 'unknown_service' })
    expect(await Promise.all(kept.map(bench.whole))).to.deep.equal(before)
    await bench.close()
  })
})
