// The scene of a hundred services of which one takes requests and never answers.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { until } from './assistant.ts'
import type { Engines } from './engines.ts'
import { perTask } from './loads.ts'
import { type Contender, type Run, measured } from './measure.ts'
import { DEAD } from './peers.ts'
import type { Size } from './scene.ts'
import type { Figures } from './table.ts'

export const SERVICES = 100

/** Tasks for 100 services in turn, the last of which may take requests and never answer; the others' tasks a second. */
export async function dead(engines: Engines, contender: Contender, { count, warm }: Size): Promise<Figures> {
  const silent = await silence()
  const alive = Array.from({ length: SERVICES }, (_, i) => `s${i}`)
  const last = contender.name === 'one dead' ? DEAD : (alive.at(-1) as string)
  const names = [...alive.slice(0, -1), last]
  // Both runs have the same services, that which warms up with them: they differ in who is the last of the hundred.
  const services = (stub: string): Record<string, object> => ({
    ...Object.fromEntries([...alive, 'stub'].map((name) => [name, { url: `${stub}/run` }])),
    [DEAD]: { url: silent.url, timeout: '1s' },
  })
  // The slots as they come: one service's tasks must not be able to fill them.
  const ground = { concurrency: 1_000, services }
  const others = count - count / SERVICES
  const finals = (posted: number): number => (last === DEAD ? posted - posted / SERVICES : posted)
  // What a first time-out makes V8 throw away is compiled once more in the warm-up, whose own dead tasks are gone when the run begins.
  const over = async ({ ground: { database } }: Run): Promise<void> => {
    await until(
      'a time-out of every dead task',
      async () => (await database.count(`select count(*) from tasks where service = '${DEAD}' and fails = 0`)) === 0,
    )
    await database.run(`delete from tasks where service = '${DEAD}'`)
    await until('the end of the dead tasks', () => silent.open === 0)
  }
  const warming = { count: warm, services: names, finals: finals(warm), over }
  try {
    const run = await measured(engines, { ...contender, ground }, warming, async (started) => {
      await started.post({ count, services: names })
      await started.finals(finals(count))
      await started.ended()
    })
    return perTask(run.measured, others)
  } finally {
    silent.stop()
  }
}

/** A server that takes connections and says nothing. */
export async function silence(): Promise<{ url: string; readonly open: number; stop(): void }> {
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => open.delete(socket)).resume()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get open() {
      return open.size
    },
    stop: () => {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}
