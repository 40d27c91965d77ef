// What the peers have in common: a Koa front that takes tasks, and the loop of requests to the stub by undici.
import Router from '@koa/router'
import Koa from 'koa'
import bodyParser from 'koa-bodyparser'
import { Pool } from 'undici'

/** How many tasks a worker has in hand at once, in every peer. */
export const CONCURRENCY = Number(process.env.CONCURRENCY ?? 100)
const HEADERS = { 'content-type': 'application/json' }
const pool = new Pool(process.env.STUB_URL ?? 'http://127.0.0.1', { connections: CONCURRENCY })

/** Serves POST /tasks (`submit` gives the id) and GET /tasks/:id (`show` gives what is known, or undefined), and says on which port. */
export function serve({ submit, show }) {
  const router = new Router()
  router.post('/tasks', async (ctx) => {
    const id = await submit(ctx.request.body)
    ctx.status = 302
    ctx.set('Location', `/tasks/${id}`)
  })
  router.get('/tasks/:id', async (ctx) => {
    const task = await show(ctx.params.id)
    if (task === undefined) return
    ctx.body = task
  })
  const app = new Koa().use(bodyParser()).use(router.routes())
  const server = app.listen(0, '127.0.0.1', 4_096, () => {
    process.stdout.write(`${JSON.stringify({ msg: 'listening', url: `http://127.0.0.1:${server.address().port}` })}\n`)
  })
  server.keepAliveTimeout = 60_000
}

/** One request to the stub. */
export async function ask(payload) {
  const { statusCode, body } = await pool.request({
    path: '/run',
    method: 'POST',
    headers: HEADERS,
    body: JSON.stringify(payload),
  })
  const answer = await body.json()
  if (statusCode !== 200 && statusCode !== 206) throw new Error(`the service said ${statusCode}`)
  return { done: statusCode === 200, answer }
}

/** Asks the stub until it is done; `checkpoint` makes each step durable before the next request. */
export async function work(payload, checkpoint) {
  for (let { done, answer } = await ask(payload); ; { done, answer } = await ask(answer)) {
    if (done) return answer
    await checkpoint(answer)
  }
}
