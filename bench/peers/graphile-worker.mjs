// graphile-worker: a local queue and batched completion, as its documentation says for speed. It deletes what is complete, so the
// results have a table of their own.
import { makeWorkerUtils, run } from 'graphile-worker'
import pg from 'pg'
import { CONCURRENCY, serve, work } from './front.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 })
const utils = await makeWorkerUtils({ pgPool: pool })
await utils.migrate()
await pool.query('create table results (id bigint primary key, result json)')

const step = (id) => (data) =>
  pool.query('update graphile_worker._private_jobs set payload = $2 where id = $1', [id, JSON.stringify(data)])
await run({
  pgPool: pool,
  preset: {
    worker: {
      concurrentJobs: CONCURRENCY,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
  noHandleSignals: true,
  taskList: {
    async tasks(payload, { job }) {
      const result = await work(payload, step(job.id))
      await pool.query('insert into results (id, result) values ($1, $2)', [job.id, JSON.stringify(result)])
    },
  },
})

serve({
  submit: async ({ payload }) => (await utils.addJob('tasks', payload)).id,
  show: async (id) => {
    const { rows } = await pool.query('select result from results where id = $1', [id])
    return rows[0] ? { id, status: 'complete', result: rows[0].result } : { id, status: 'pending' }
  },
})
