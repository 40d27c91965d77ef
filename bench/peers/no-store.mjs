// The physical limit: each POST is forwarded as one request, its answer is not waited for, and nothing is kept.
import { serve, work } from './front.mjs'

let next = 0
serve({
  submit: async ({ payload }) => {
    next += 1
    void work(payload, async () => {}).catch((error) => process.stderr.write(`${error.stack}\n`))
    return next
  },
  show: async () => ({ status: 'complete' }),
})
