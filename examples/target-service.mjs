// A target service without dependencies: node examples/target-service.mjs, then POST tasks for service "node".
// `work` answers 206 with the next state until it is done, then 200; every other action fails with 500.
// With SIGNING_SECRET (whsec_…, one of `signing.secrets` of the service) it takes only requests that task_api has signed.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const { SIGNING_SECRET, PORT = '8081' } = process.env

/** Whether a request was signed with our secret within the last 5 minutes (Standard Webhooks). `body`: its bytes, unparsed. */
function isSigned(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers
  if (!(Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300)) return false
  const key = Buffer.from(SIGNING_SECRET.replace(/^whsec_/, ''), 'base64')
  const hmac = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body)
  const wanted = Buffer.from(`v1,${hmac.digest('base64')}`)
  // task_api sends one signature for each secret. Any of them may be ours.
  return signatures.split(' ').some((one) => {
    const found = Buffer.from(one)
    return found.length === wanted.length && timingSafeEqual(found, wanted)
  })
}

createServer(async (request, response) => {
  const answer = (status, value) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
  try {
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    if (SIGNING_SECRET && !isSigned(request.headers, body)) return answer(401, { error: 'not signed' })
    // The payload of the task first, then the body of our own last answer 206.
    const { done = 0, of = 3 } = JSON.parse(body)
    if (request.url !== '/tasks/work') return answer(500, { error: `no action at ${request.url}` })
    // The same Idempotency-Key means the same step: it may come twice, after a crash or a lost connection.
    console.log(request.headers['task-location'], request.headers['idempotency-key'], `${done + 1} of ${of}`)
    answer(done + 1 < of ? 206 : 200, { done: done + 1, of })
  } catch (error) {
    answer(500, { error: String(error) })
  }
}).listen(PORT, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${PORT}`))
