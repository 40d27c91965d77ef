// BullMQ: jobs are kept when they are complete; each step is written by updateData before the next request.
import { Queue, Worker } from 'bullmq'
import { CONCURRENCY, serve, work } from './front.mjs'

const { hostname: host, port } = new URL(process.env.REDIS_URL)
const connection = { host, port: Number(port), maxRetriesPerRequest: null, enableAutoPipelining: true }
const queue = new Queue('tasks', {
  connection,
  defaultJobOptions: { removeOnComplete: false, removeOnFail: false, attempts: 5 },
})
const worker = new Worker('tasks', (job) => work(job.data, (step) => job.updateData(step)), {
  connection,
  concurrency: CONCURRENCY,
})
worker.on('error', (error) => process.stderr.write(`${error.stack}\n`))
await worker.waitUntilReady()

serve({
  submit: async ({ action, payload }) => (await queue.add(action, payload)).id,
  show: async (id) => {
    const job = await queue.getJob(id)
    return job && { id, status: await job.getState(), result: job.returnvalue }
  },
})
