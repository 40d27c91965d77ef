// A target service without dependencies: node examples/target-service.mjs, then POST tasks for service "node".
// `work` answers 206 with the next state until it is done, then 200; every other action fails with 500.
import { createServer } from 'node:http'

createServer(async (request, response) => {
  const answer = (status, value) =>
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
  try {
    let text = ''
    for await (const chunk of request) text += chunk
    // The payload of the task first, then the body of our own last answer 206.
    const { done = 0, of = 3 } = JSON.parse(text)
    if (request.url !== '/tasks/work') return answer(500, { error: `no action at ${request.url}` })
    // The same Idempotency-Key means the same step: it may come twice, after a crash or a lost connection.
    console.log(request.headers['task-location'], request.headers['idempotency-key'], `${done + 1} of ${of}`)
    answer(done + 1 < of ? 206 : 200, { done: done + 1, of })
  } catch (error) {
    answer(500, { error: String(error) })
  }
}).listen(8081, '127.0.0.1', () => console.log('listening on http://127.0.0.1:8081'))
