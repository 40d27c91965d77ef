// Claim: which rows a node may take, what it takes of them, and what a lost owner costs.
import { randomUUID } from 'node:crypto'
import { expect } from 'chai'
import pg from 'pg'
import { tokens } from '../../src/lifecycle/claim.ts'
import type { Claimant } from '../../src/store/claims.ts'
import type { ClaimedRow } from '../../src/store/claimed.ts'
import { asking, type Bench, openBench } from '../support/bench.ts'

describe('a claim', () => {
  let bench: Bench
  let me: Claimant
  before(async () => {
    bench = await openBench()
    me = { node: await bench.node(), token: 11, takesOver: true }
  })
  after(() => bench.close())

  afterEach(() => bench.sql('delete from tasks'))

  const take = async (by: Partial<Claimant> = {}): Promise<ClaimedRow[]> =>
    bench.store.claim({ ...me, ...by }, asking({ svc: 1_000 }))

  /** Rows that are not taken stay as they are. */
  async function refuses(id: string, by: Partial<Claimant> = {}): Promise<void> {
    const before = await bench.whole(id)
    expect(await take(by)).to.deep.equal([])
    expect(await bench.whole(id)).to.equal(before)
  }

  it('takes nothing from its time on, neither what waits nor what is left behind', async () => {
    const gone = await bench.node(-1_000)
    const [id] = await bench.rows(2)
    await bench.sql(`update tasks set status = 'running', node = $1, token = 7 where id = $2`, [gone, id])
    const [{ past, soon } = { past: '', soon: '' }] = await bench.sql<{ past: string; soon: string }>(
      `select (now() - interval '1 millisecond')::text as past, (now() + interval '1 minute')::text as soon`,
    )
    expect(await take({ validUntil: past })).to.deep.equal([])
    expect(await take({ validUntil: soon })).to.have.length(2)
  })

  it('makes a pending row running, its own, by its token, on attempt 1', async () => {
    const id = await bench.row()
    const [row, ...others] = await take({ token: 9007199254740991 })
    expect(others).to.deep.equal([])
    expect(row).to.include({ id, service: 'svc', action: 'ok', body: '{"n":1}', step: 0, attempt: 1, crashes: 0 })
    expect(row).to.include({ failed: false, lost: false })
    expect(row?.age).to.be.within(0, 5_000)
    expect(await bench.read(id)).to.include({
      status: 'running',
      node: me.node,
      token: '9007199254740991',
      attempt: 1,
      started: true,
    })
  })

  it('sends the state where there is one, and one attempt more', async () => {
    await bench.row(`status = 'running', state = '{"s" : 1}', step = 4, attempt = 3, fails = 2, repeats = 1`)
    expect((await take())[0]).to.include({
      body: '{"s" : 1}',
      step: 4,
      attempt: 4,
      fails: 2,
      repeats: 1,
      crashes: 0,
    })
  })

  it('gets each row to exactly one of two claimants', async () => {
    const ids = await bench.rows(400)
    const other = { ...me, node: await bench.node(), token: 12 }
    const store = await bench.other()
    const [mine, theirs] = await Promise.all([take(), store.claim(other, asking({ svc: 1_000 }))])
    const taken = [...mine, ...theirs, ...(await take())].map(({ id }) => id)
    expect(taken).to.have.length(400)
    expect(new Set(taken).size).to.equal(400)
    const owners = await bench.sql<{ id: string; node: string }>('select id, node from tasks where id = any($1)', [ids])
    const byId = new Map(owners.map(({ id, node }) => [id, node]))
    expect(mine.every(({ id }) => byId.get(id) === me.node)).to.equal(true)
    expect(theirs.every(({ id }) => byId.get(id) === other.node)).to.equal(true)
  })

  for (const [what, set] of [
    ['is complete', `status = 'complete', finished_at = now()`],
    ['has failed', `status = 'failed', error = '{}', finished_at = now()`],
    ['is of a service that it does not know', `service = 'other'`],
    ['is parked until later', `status = 'running', run_at = now() + interval '1 minute'`],
    ['is pending and not due', `run_at = now() + interval '1 minute'`],
  ] as const)
    it(`drops a row that ${what}`, async () => refuses(await bench.row(set)))

  it('leaves an owner alone whose lease holds', async () => {
    const owner = await bench.node()
    await refuses(await bench.row(`status = 'running', node = $1`, [owner]))
  })

  it('leaves its own rows alone', async () => {
    await refuses(await bench.row(`status = 'running', node = $1`, [me.node]))
  })

  it('takes from an owner whose lease has run out, one crash more, only when it may take over', async () => {
    const id = await bench.row(`status = 'running', node = $1, crashes = 4, attempt = 2`, [await bench.node(-1_000)])
    await refuses(id, { takesOver: false })
    const [row] = await take()
    expect(row).to.include({ id, lost: true, failed: false, crashes: 5, attempt: 3 })
    expect(await bench.read(id)).to.include({ node: me.node, crashes: 5, status: 'running' })
  })

  it('takes from a lost owner also what was not due', async () => {
    await bench.row(`status = 'running', node = $1, run_at = now() + interval '1 hour'`, [await bench.node(-1_000)])
    expect(await take()).to.have.length(1)
  })

  it('fails a task with its tenth crash', async () => {
    const gone = await bench.node(-1_000)
    const [ninth, tenth] = [8, 9].map((crashes) =>
      bench.row(`status = 'running', node = $1, crashes = ${crashes}`, [gone]),
    )
    const ids = [(await ninth) ?? '', (await tenth) ?? '']
    const rows = await take()
    expect(rows.find(({ id }) => id === ids[0])).to.include({ failed: false, crashes: 9 })
    expect(rows.find(({ id }) => id === ids[1])).to.include({ failed: true, crashes: 10 })
    const row = await bench.read(ids[1] ?? '')
    expect(row).to.include({ status: 'failed', node: null, finished: true })
    expect(JSON.parse(row?.error ?? '')).to.have.property('code', 'crashed')
  })

  it('of a row that nobody owns is no crash', async () => {
    await bench.row(`status = 'running', crashes = 9`)
    expect((await take())[0]).to.include({ crashes: 9, failed: false, lost: false })
  })

  it('takes nothing when its own lease has run out, or its own row is gone', async () => {
    const gone = await bench.node(-1_000)
    const [pending, orphan] = [await bench.row(), await bench.row(`status = 'running', node = $1`, [gone])]
    for (const node of [await bench.node(-1), randomUUID()]) {
      await refuses(pending, { node })
      await refuses(orphan, { node })
    }
  })

  it('skips a row that is being written, without waiting for it', async () => {
    const ids = await bench.rows(2)
    const [locked = '', open = ''] = ids
    const holder = new pg.Client({ connectionString: bench.url })
    await holder.connect()
    await holder.query('begin')
    await holder.query('select from tasks where id = $1 for update', [locked])
    expect((await take()).map(({ id }) => id)).to.deep.equal([open])
    await holder.end()
  })

  it('has a token that is random and fits into 53 bits', () => {
    const drawn = Array.from({ length: 1_000 }, tokens())
    expect(new Set(drawn).size).to.equal(1_000)
    expect(drawn.every((token) => Number.isSafeInteger(token) && token >= 0)).to.equal(true)
    expect(drawn.filter((token) => token > 2 ** 52).length).to.be.within(400, 600)
  })
})

describe('a revival', () => {
  let bench: Bench
  before(async () => {
    bench = await openBench()
  })
  after(() => bench.close())

  it('is the next try of the same claim, one crash more', async () => {
    const fence = await bench.claimed('crashes = 2, fails = 1')
    expect((await bench.store.revive([{ ...fence, attempt: 1 }]))[0]).to.include({
      id: fence.id,
      attempt: 2,
      crashes: 3,
      fails: 1,
      step: 2,
    })
    expect(await bench.read(fence.id)).to.include({ node: fence.node, token: '7', crashes: 3, status: 'running' })
  })

  it('fails a task with its tenth crash', async () => {
    const fence = await bench.claimed('crashes = 9')
    expect((await bench.store.revive([{ ...fence, attempt: 1 }]))[0]).to.include({ failed: true })
    expect(await bench.read(fence.id)).to.include({ status: 'failed', node: null })
  })

  it("is refused to a claim that is not the row's own", async () => {
    const fence = await bench.claimed()
    const before = await bench.whole(fence.id)
    const stale = [
      { ...fence, attempt: 1, token: 8 },
      { ...fence, attempt: 1, node: randomUUID() },
    ]
    expect(await bench.store.revive(stale)).to.deep.equal([])
    expect(await bench.whole(fence.id)).to.equal(before)
  })
})
