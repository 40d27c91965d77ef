// pg-boss: batches of jobs, fetched as fast as it polls; each step is written into the job's data by SQL, as there is no call for it.
import { PgBoss } from 'pg-boss'
import pg from 'pg'
import { CONCURRENCY, serve, work } from './front.mjs'

const boss = new PgBoss({ connectionString: process.env.DATABASE_URL, max: 20 })
boss.on('error', (error) => process.stderr.write(`${error.stack}\n`))
await boss.start()
await boss.createQueue('tasks')
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 })

const step = (id) => (data) => pool.query('update pgboss.job set data = $2 where id = $1', [id, JSON.stringify(data)])
await boss.work('tasks', { batchSize: CONCURRENCY, pollingIntervalSeconds: 0.5, perJobResults: true }, (jobs) =>
  Promise.all(jobs.map(async ({ id, data }) => ({ id, status: 'completed', output: await work(data, step(id)) }))),
)

serve({
  submit: ({ payload }) => boss.send('tasks', payload),
  show: async (id) => {
    const job = await boss.getJobById('tasks', id)
    return job ? { id, status: job.state, result: job.output } : undefined
  },
})
