// How connections end: pipelines, callers who leave early, and requests that stop in the middle.
import { answered, CHUNK, CHUNKED, GET, HEADS, LAST, LENGTH, refused, type Row, TASK } from './row.ts'

const POST = `${HEADS}${LENGTH}\r\n${TASK}`
const NOWHERE = 'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n'

const left = (name: string, send: string, finish: 'end' | 'reset'): Row => ({
  name,
  send,
  answers: [],
  connection: 'closed',
  finish,
})

export const ENDINGS: readonly Row[] = [
  answered(
    'a pipeline of all kinds',
    `${GET}\r\n${POST}${NOWHERE}${HEADS}${CHUNKED}\r\n${CHUNK}${LAST}${GET}\r\n`,
    200,
    302,
    404,
    302,
    200,
  ),
  answered(
    'a pipeline of 500',
    `${GET}\r\n${NOWHERE}`.repeat(250),
    ...Array.from({ length: 500 }, (_, i) => (i % 2 ? 404 : 200)),
  ),
  answered('a pipeline of tasks', POST.repeat(50), ...Array.from({ length: 50 }, () => 302)),
  { ...refused('garbage behind a task', `${POST}garbage\r\n\r\n`), answers: [302, 400] },
  { ...refused('a task behind garbage', `garbage\r\n\r\n${POST}`), answers: [400] },
  { ...refused('a task behind one that closes', `${GET}Connection: close\r\n\r\n${POST}`), answers: [200] },
  refused('an end in the request line', 'GET /liv', 400, 'end'),
  refused('an end in the headers', GET, 400, 'end'),
  refused('an end before the body', `${HEADS}${LENGTH}\r\n`, 400, 'end'),
  refused('an end in the body', `${HEADS}${LENGTH}\r\n${TASK.slice(0, 20)}`, 400, 'end'),
  refused('an end in a chunk', `${HEADS}${CHUNKED}\r\n${CHUNK.slice(0, 20)}`, 400, 'end'),
  left('an end before anything', '', 'end'),
  left('a reset before anything', '', 'reset'),
  left('a reset in the headers', GET, 'reset'),
  left('a reset in the body', `${HEADS}${LENGTH}\r\n${TASK.slice(0, 20)}`, 'reset'),
  left('a reset in a chunk', `${HEADS}${CHUNKED}\r\n${CHUNK.slice(0, 20)}`, 'reset'),
  left('a reset behind 500 requests', `${GET}\r\n`.repeat(500), 'reset'),
  { name: 'a half-close behind a request', send: `${GET}\r\n`, answers: [200], connection: 'closed', finish: 'end' },
  { name: 'a half-close behind a task', send: POST, answers: [302], connection: 'closed', finish: 'end' },
  {
    name: 'a half-close behind three requests',
    send: `${GET}\r\n${POST}${NOWHERE}`,
    answers: [200, 302, 404],
    connection: 'closed',
    finish: 'end',
  },
]
