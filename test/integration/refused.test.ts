// A Postgres that answers and lets a node write nothing: a server of before a failover, or a full disk.
import { expect } from 'chai'
import type { RunningNode } from '../../src/main.ts'
import { eventually } from '../support/eventually.ts'
import { openWorld, post, show, type World } from '../support/world.ts'
import { aLog, type Line } from '../unit/supervisor/build.ts'

describe('a Postgres that refuses writes', () => {
  let world: World
  let node: RunningNode
  let lines: Line[]
  beforeEach(async () => {
    world = await openWorld()
    const logged = aLog()
    lines = logged.lines
    node = await world.node({ log: logged.log })
  })
  afterEach(() => world.close())

  const NAME = '(select datname from pg_stat_activity where pid = pg_backend_pid())'
  const ready = async (): Promise<number> => (await fetch(`${node.url}/readyz`)).status
  const refused = async (): Promise<void> => {
    const answer = await post(node.url, 'ok').catch((error: unknown) => String(error))
    expect(answer).to.contain('503').and.contain('unavailable')
  }
  /** What the log says of Postgres. */
  const said = (): string[] => lines.flatMap(({ msg }) => (msg.startsWith('postgres') ? [msg] : []))
  const alter = async (setting: string): Promise<void> => {
    const [row] = await world.sql<{ name: string }>(`select ${NAME} as name`)
    await world.sql(`alter database ${row?.name} ${setting}`)
  }
  const sessions = `from pg_stat_activity where application_name = 'task_api' and datname = current_database()`

  it('is left for the one that new connections reach, by connections that are idle too', async () => {
    const location = await post(node.url, 'ok')
    // Sessions that begin now stay read-only, as those at a server of before a failover do.
    await alter('set default_transaction_read_only = on')
    await world.sql(`select pg_terminate_backend(pid) ${sessions}`)
    await eventually(refused)
    await eventually(async () => expect(await ready()).to.equal(503))
    const many = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 60 }, () => fetch(`${node.url}/tasks`).then((list) => list.text())))
    await many()

    await alter('reset default_transaction_read_only')
    const [mark] = await world.sql<{ at: string }>('select clock_timestamp()::text as at')
    await eventually(() => post(node.url, 'ok'))
    await eventually(async () => expect(await ready()).to.equal(200))
    const older = (): Promise<unknown> =>
      world.sql(`select query ${sessions} and backend_start < $1::timestamptz`, [mark?.at])
    await eventually(async () => {
      await many()
      expect(await older()).to.deep.equal([])
    })
    expect(await show(node.url, location)).to.have.property('location', location)
    expect(said().filter((msg) => msg.includes('writes'))).to.deep.equal([
      'postgres refuses writes',
      'postgres takes writes again',
    ])
  })

  it('makes a node unready, and is logged once each way, also while statements of other kinds get through', async () => {
    await world.sql(`
      create function full_disk() returns trigger language plpgsql as $$ begin
        raise exception 'could not extend file: No space left on device' using errcode = '53100';
      end $$;
      create trigger full_disk before insert on tasks execute function full_disk()`)
    for (let i = 0; i < 20; i += 1) await refused()
    await eventually(async () => expect(await ready()).to.equal(503))
    const [beaten] = await world.sql<{ until: string }>('select lease_until::text as until from nodes')
    await eventually(async () => {
      const [row] = await world.sql<{ until: string }>('select lease_until::text as until from nodes')
      expect(row?.until).not.to.equal(beaten?.until)
    })
    await refused()
    expect(said()).to.deep.equal(['postgres refuses writes'])
    expect(lines.find(({ msg }) => msg === 'postgres refuses writes')).to.include({
      level: 50,
      why: 'could not extend file: No space left on device',
    })
    await world.sql('drop trigger full_disk on tasks')
    // Nobody posts: callers are led elsewhere.
    await eventually(async () => expect(await ready()).to.equal(200), 60_000)
    expect(said()).to.deep.equal(['postgres refuses writes', 'postgres takes writes again'])
    await post(node.url, 'ok')
    expect(said()).to.have.length(2)
    expect(await world.sql('select from tasks where id < 1')).to.deep.equal([])
  })
})
