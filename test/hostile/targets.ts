// Ids, cursors, limits and filters: one row each, with the status that the contract gives it.
import { expect } from 'chai'
import { expectProblem, type Ground } from './ground.ts'
import { plain, post, shown, taskBody } from './http.ts'

const MAX = '9223372036854775807'

/** What stands behind /tasks/ and names no task, made from an id that does; it is sent as it stands. */
const NO_TASKS: readonly ((id: string) => string)[] = [
  ...['0', '-1', '00', '1.0', '1e3', '1e0', '0x1', '1n', '1_0', '1,0', '+1', 'null', 'undefined', 'NaN', 'Infinity'],
  ...[
    'true',
    '[1]',
    '{}',
    '*',
    '.',
    '..',
    '...',
    '%2e',
    '%2e%2e',
    '%00',
    '%20',
    '%',
    '%%',
    '%z1',
    '%3',
    '%ff',
    '%c0%b1',
  ],
  ...[
    '%EF%BC%91',
    '%D9%A1',
    '%E0%A4%A7',
    '%F0%9D%9F%8F',
    '%C2%B9',
    '%E2%91%A0',
    ',',
    ';',
    '~',
    '-',
    '',
    'a'.repeat(4_000),
  ],
  // Beyond what is there, at the edge of bigint, and beyond that; doubles cannot tell the first two apart.
  ...['9007199254740992', '9007199254740993', MAX, '9223372036854775808', '18446744073709551617', '9'.repeat(400)],
].map((text) => () => text)

/** Ways to write an id that are none. */
const NO_IDS: readonly ((id: string) => string)[] = [
  ...['0', '+', '-', '%20', '%00', '%09', '%0a', '.', './', '../tasks/', '/', '//', '%2f', '%2e%2e%2ftasks%2f'].map(
    (before) => (id: string) => before + id,
  ),
  ...[
    '/',
    '//',
    '/.',
    '/..',
    '%2f',
    '%2F',
    '%5c',
    '%00',
    '%20',
    '%0d%0a',
    '.0',
    '.',
    'e0',
    'n',
    ';',
    ';x=1',
    ',',
    '%3f',
  ].map((after) => (id: string) => id + after),
  ...[
    '%23',
    '%26',
    "'",
    "'--",
    '%22',
    '%27%20or%201=1',
    ')',
    '%3B',
    '|',
    '%',
    '%zz',
    '_',
    'L',
    '%EF%BC%90',
    '%CC%81',
  ].map((after) => (id: string) => id + after),
]

type Queries = readonly (readonly [query: string, status: number])[]

/** What stands behind /tasks? . */
const LIST: Queries = [
  ...['', '&', '&&&', 'limit=1', 'limit=1000', 'limit=%31', '%6cimit=1', 'before=1', `before=${MAX}`].map(good),
  ...['before=9007199254740993', 'status=pending', 'status=running', 'status=complete', 'status=failed'].map(good),
  ...['service=svc', 'service=nobody', `service=${'a'.repeat(100)}`, 'service=.', 'service=__proto__'].map(good),
  ...['action=ok', 'action=...', 'action=~', `action=${'a'.repeat(200)}`, 'action=constructor'].map(good),
  ['limit=2&before=99&status=complete&service=svc&action=loop', 200],
  ...['0', '-1', '1001', '01', '1.0', '1e2', '0x1', '+1', '%201', '1%20', '', '%00', '1%00', 'abc', '9'.repeat(50)]
    .map((value) => `limit=${value}`)
    .map(bad),
  ...['%EF%BC%91', 'NaN', 'Infinity', '1,2', '1;2', 'null', '-0', '%31%', '1%0a']
    .map((value) => `limit=${value}`)
    .map(bad),
  ...['0', '-1', '01', '1.0', '1e3', '+1', '%201', '1%20', '', '%00', '/tasks/1', '%EF%BC%91', '9223372036854775808']
    .map((value) => `before=${value}`)
    .map(bad),
  ...['Pending', '', 'pending,running', 'pending%00', '%20pending', 'done', '1', 'null', 'toString', '__proto__']
    .map((value) => `status=${value}`)
    .map(bad),
  ...['', '%20', 'a%20b', 'a/b', '%00', 'a'.repeat(101), '~', '%C3%A9', "'", '*', '%25']
    .map((value) => `service=${value}`)
    .map(bad),
  ...['', '.', '..', 'a/b', '%00', 'a'.repeat(201), '%2f', 'a%20b', "'%20or%20''='", '%C3%A9']
    .map((value) => `action=${value}`)
    .map(bad),
  ...['limit', 'limit=1&limit=1', 'before=1&before=2', 'status=pending&status=pending', 'limit=1&%6cimit=1'].map(bad),
  ...[
    'view=full',
    'offset=1',
    'page=1',
    'after=1',
    'id=1',
    'sort=id',
    'Limit=1',
    'limit[]=1',
    'limit.=1',
    'limit%00=1',
  ].map(bad),
  ...[
    '__proto__=1',
    '__proto__[limit]=1',
    'constructor=1',
    'hasOwnProperty=1',
    '=',
    '=1',
    '?',
    '?limit=1',
    '%',
    'x',
  ].map(bad),
  ...['limit=1;before=2', '%6cimit=0', 'payload=1', 'limit=1&x='].map(bad),
]

/** What stands behind /tasks/{id}? . */
const ONE: Queries = [
  ...['', '&', 'view=full', '%76iew=full', 'view=%66ull'].map(good),
  ...['view', 'view=', 'view=FULL', 'view=full%00', 'view=full&view=full', 'limit=1', 'x=1', '=', '__proto__=full'].map(
    bad,
  ),
]

function good(query: string): [string, number] {
  return [query, 200]
}

function bad(query: string): [string, number] {
  return [query, 400]
}

/** Declares the tests. */
export function targets(ground: Ground): void {
  let id = ''
  before(async () => {
    const [sent, task] = [post(taskBody('ok', Buffer.from('0'))), { action: 'ok', payload: Buffer.from('0') }]
    const answer = await ground.lanes.ask(sent)
    ground.judge(answer, task, sent)
    id = answer.headers.get('location')?.replace('/tasks/', '') ?? ''
  })

  const expectAll = async (rows: readonly (readonly [Buffer, number])[]): Promise<void> => {
    const answers = await ground.lanes.askAll(rows.map(([sent]) => sent))
    for (const [i, [sent, status]] of rows.entries()) {
      const answer = answers[i]
      expect(answer?.status, shown(sent)).to.equal(status)
      if (answer && status >= 400 && !shown(sent).startsWith('"HEAD')) expectProblem(answer, sent)
    }
  }

  for (const [name, row] of Object.entries({ 'what is no id': NO_TASKS, 'what is no form of an id': NO_IDS }))
    it(`finds no task by ${name}`, async () => {
      const found = row.map((make) => make(id))
      for (const method of ['GET', 'HEAD', 'DELETE'])
        await expectAll(found.map((one) => [plain(method, `/tasks/${one}`), 404] as const))
      await expectAll(found.map((one) => [plain('GET', `/tasks/${one}?view=full`), 404] as const))
    })

  it('finds a task by its id, and by its id in other letters of a URL', async () => {
    const coded = [...id].map((digit) => `%3${digit}`).join('')
    await expectAll([id, coded].map((one) => [plain('GET', `/tasks/${one}`), 200] as const))
  })

  it('reads the query of a list to the letter', () =>
    expectAll(LIST.map(([query, status]) => [plain('GET', `/tasks?${query}`), status] as const)))

  it('reads the query of a task to the letter', () =>
    expectAll(ONE.map(([query, status]) => [plain('GET', `/tasks/${id}?${query}`), status] as const)))

  it('creates and deletes nothing when there is a query', async () => {
    const queries = ['x=1', 'view=full', 'limit=1', '=', '__proto__=1']
    await expectAll(queries.map((query) => [plain('DELETE', `/tasks/${id}?${query}`), 400] as const))
    const body = taskBody('ok', Buffer.from('0')).toString()
    const line = (query: string): string =>
      `POST /tasks?${query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    await expectAll(queries.map((query) => [Buffer.from(line(query) + body), 400] as const))
    await expectAll([[plain('GET', `/tasks/${id}`), 200]])
    await ground.verify()
  })
}
