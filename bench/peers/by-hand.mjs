// The same by hand: knex, a Redis list, BRPOP, node-fetch, one statement and one request at a time in so many loops.
import { Agent } from 'node:http'
import { Redis } from 'ioredis'
import knex from 'knex'
import fetch from 'node-fetch'
import { CONCURRENCY, serve } from './front.mjs'

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL, pool: { min: 0, max: 20 } })
await db.schema.createTable('tasks', (table) => {
  table.bigIncrements('id')
  table.text('service').notNullable()
  table.text('action').notNullable()
  table.text('status').notNullable().defaultTo('pending')
  table.json('payload')
  table.json('result')
})
const redis = new Redis(process.env.REDIS_URL)
const agent = new Agent({ keepAlive: true })

async function execute(id) {
  const [task] = await db('tasks').where({ id, status: 'pending' }).update({ status: 'running' }).returning('*')
  if (!task) return
  for (let payload = task.payload; ;) {
    const response = await fetch(`${process.env.STUB_URL}/run`, {
      method: 'POST',
      agent,
      body: JSON.stringify(payload),
    })
    const answer = await response.json()
    if (response.status === 200)
      return void (await db('tasks')
        .where({ id })
        .update({ status: 'complete', result: JSON.stringify(answer) }))
    if (response.status !== 206) return void (await db('tasks').where({ id }).update({ status: 'failed' }))
    await db('tasks')
      .where({ id })
      .update({ payload: JSON.stringify(answer) })
    payload = answer
  }
}

// A connection that blocks for all loops: what it pops goes to one that is free.
async function pop() {
  const blocking = redis.duplicate()
  let running = 0
  let freed = () => {}
  for (;;) {
    if (running >= CONCURRENCY) await new Promise((resolve) => (freed = resolve))
    const popped = await blocking.brpop('tasks', 0)
    running += 1
    void execute(popped[1]).finally(() => {
      running -= 1
      freed()
    })
  }
}
void pop()

serve({
  submit: async ({ service, action, payload }) => {
    const [{ id }] = await db('tasks')
      .insert({ service, action, payload: JSON.stringify(payload) })
      .returning('id')
    await redis.lpush('tasks', id)
    return id
  },
  show: (id) => db('tasks').where({ id }).first(),
})
