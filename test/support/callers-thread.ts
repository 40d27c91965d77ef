// Callers in a thread of their own, so that they go on while the thread that serves them is busy. Each asks once and waits for its end.
import { connect } from 'node:net'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

const { server, count, sent } = workerData as { server: number; count: number; sent: Int32Array }
const port = parentPort as MessagePort

let answered = 0
const callers = Array.from({ length: count }, async () => {
  const socket = connect(server, '127.0.0.1')
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n', () => {
    if (Atomics.add(sent, 0, 1) === count - 1) Atomics.notify(sent, 0)
  })
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  socket.on('error', () => undefined)
  await new Promise((closed) => socket.on('close', closed))
  if (text.startsWith('HTTP/1.1 200')) answered += 1
})
await Promise.all(callers)
port.postMessage(answered)
