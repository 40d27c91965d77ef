// Ids, cursors, limits and filters: one row each, with the status that the contract gives it.
import { expect } from 'chai'
import { words } from '../integration/api/support.ts'
import { expectProblem, type Ground } from './ground.ts'
import { plain, post, request, shown, taskBody } from './http.ts'

/** What stands behind /tasks/ and names no task, as it is sent. */
const NO_TASKS: readonly string[] = words(`
  0 -1 00 1.0 1e3 1e0 0x1 1n 1_0 1,0 +1 null undefined NaN Infinity true [1] {} * . .. ... , ; ~ - %2e %2e%2e %00 %20
  % %% %z1 %3 %ff %c0%b1 %EF%BC%91 %D9%A1 %E0%A4%A7 %F0%9D%9F%8F %C2%B9 %E2%91%A0
  9007199254740992 9007199254740993 9223372036854775807 9223372036854775808 18446744073709551617
`).concat('', 'a'.repeat(4_000), '9'.repeat(400))

/** What makes no id of one, when it stands before it. */
const BEFORE = words('0 + - %20 %00 %09 %0a . ./ ../tasks/ / // %2f %2e%2e%2ftasks%2f')
/** What makes no id of one, when it stands behind it. */
const BEHIND = words(`
  / // /. /.. %2f %2F %5c %00 %20 %0d%0a .0 . e0 n ; ;x=1 , %3f %23 %26 ' '-- %22 %27%20or%201=1 ) %3B | % %zz _ L
  %EF%BC%90 %CC%81
`)

const valued = (name: string, values: string): string[] => words(values).map((value) => `${name}=${value}`)

/** What may stand behind /tasks? . */
const GOOD = words(`
  & &&& limit=1 limit=1000 limit=%31 %6cimit=1 before=1 before=9223372036854775807 before=9007199254740993
  status=pending status=running status=complete status=failed service=svc service=nobody service=. service=__proto__
  status=pending,running ids=1,2,2 label.a=b label.a= label.a.b_c-d=%20 error=timeout retried=true retried=false view=full
  createdAfter=2026-01-01T00:00:00Z createdBefore=2026-01-01T00:00:00%2B01:00 schedule=x ids=1&label.a=b&error=crashed
  action=ok action=... action=~ action=constructor limit=2&before=99&status=complete&service=svc&action=loop
`).concat('', `service=${'a'.repeat(100)}`, `action=${'a'.repeat(200)}`)

/** What may not. */
const BAD = words(`
  limit limit= before= status= service= action= limit=1&limit=1 before=1&before=2 status=pending&status=pending
  limit=1&%6cimit=1 %6cimit=0 limit=1;before=2 limit=1&x= view=FULL view= offset=1 page=1 after=1 id=1 sort=id Limit=1
  limit[]=1 limit.=1 limit%00=1 __proto__=1 __proto__[limit]=1 constructor=1 hasOwnProperty=1 payload=1 = =1 ? ?limit=1 % x
`).concat(
  valued(
    'limit',
    '0 -1 -0 1001 01 1.0 1e2 0x1 +1 %201 1%20 %00 1%00 1%0a abc 1,2 1;2 %EF%BC%91 NaN Infinity null %31%',
  ),
  valued('before', '0 -1 01 1.0 1e3 +1 %201 1%20 %00 /tasks/1 %EF%BC%91 9223372036854775808'),
  valued(
    'status',
    'Pending pending,pending pending, ,pending pending,%20running pending%00 %20pending done 1 null toString __proto__',
  ),
  valued('ids', '0 , 1, ,1 1,a 1;2 -1 9223372036854775808 1,%00'),
  valued('error', 'TIMEOUT none timeout,crashed __proto__ %00'),
  valued('retried', 'TRUE 1 yes %00'),
  valued(
    'createdAfter',
    '2026-01-01 2026-01-01T00:00:00 2026-02-30T00:00:00Z now 0 0000-01-01T00:00:00Z 10000-01-01T00:00:00Z %00',
  ),
  words('label=a label.=a label.a%00=b label.a=%00 label.a=b&label.a=c label.a/b=c labels.a=b'),
  valued('service', "%20 a%20b a/b %00 ~ %C3%A9 ' * %25").concat(`service=${'a'.repeat(101)}`),
  valued('action', ". .. a/b %00 %2f a%20b '%20or%20''=' %C3%A9").concat(`action=${'a'.repeat(201)}`),
)

/** What may stand behind /tasks/{id}? . */
const GOOD_VIEW = words('& view=full %76iew=full view=%66ull').concat('')
/** What may not. */
const BAD_VIEW = words('view view= view=FULL view=full%00 view=full&view=full limit=1 x=1 = __proto__=full')

type Rows = readonly (readonly [sent: Buffer, status: number])[]

const rowsOf = (method: string, targets: readonly string[], status: number): Rows =>
  targets.map((target) => [plain(method, target), status] as const)

/** Declares the tests. */
export function targets(ground: Ground): void {
  let id = ''
  before(async () => {
    const [sent, task] = [post(taskBody('ok', Buffer.from('0'))), { action: 'ok', payload: Buffer.from('0') }]
    const answer = await ground.lanes.ask(sent)
    ground.judge(answer, task, sent)
    id = answer.headers.get('location')?.replace('/tasks/', '') ?? ''
  })

  const expectAll = async (rows: Rows): Promise<void> => {
    const answers = await ground.lanes.askAll(rows.map(([sent]) => sent))
    for (const [i, [sent, status]] of rows.entries()) {
      const answer = answers[i]
      expect(answer?.status, shown(sent)).to.equal(status)
      if (answer && status >= 400 && answer.body.length > 0) expectProblem(answer, sent)
    }
  }

  const forms: Readonly<Record<string, () => string[]>> = {
    'what is no id': () => NO_TASKS.map((text) => `/tasks/${text}`),
    'an id behind something': () => BEFORE.map((text) => `/tasks/${text}${id}`),
    'an id and something': () => BEHIND.map((text) => `/tasks/${id}${text}`),
  }
  for (const [name, targets] of Object.entries(forms))
    it(`finds no task by ${name}`, async () => {
      for (const method of ['GET', 'HEAD', 'DELETE']) await expectAll(rowsOf(method, targets(), 404))
      const viewed = targets().map((target) => `${target}?view=full`)
      await expectAll(rowsOf('GET', viewed, 404))
    })

  it('finds a task by its id, and by its id in other letters of a URL', () =>
    expectAll(rowsOf('GET', [`/tasks/${id}`, `/tasks/${id.replaceAll(/\d/g, '%3$&')}`], 200)))

  const list = (query: string): string => `/tasks?${query}`
  it('reads the query of a list to the letter', async () => {
    await expectAll(rowsOf('GET', GOOD.map(list), 200))
    await expectAll(rowsOf('GET', BAD.map(list), 400))
  })

  const one = (query: string): string => `/tasks/${id}?${query}`
  it('reads the query of a task to the letter', async () => {
    await expectAll(rowsOf('GET', GOOD_VIEW.map(one), 200))
    await expectAll(rowsOf('GET', BAD_VIEW.map(one), 400))
  })

  it('creates and deletes nothing when there is a query', async () => {
    const queries = words('x=1 view=full limit=1 = __proto__=1')
    await expectAll(rowsOf('DELETE', queries.map(one), 400))
    const type = ['Content-Type: application/json']
    const body = taskBody('ok', Buffer.from('0'))
    await expectAll(queries.map((query) => [request(`POST ${list(query)}`, type, body), 400] as const))
    await expectAll(rowsOf('GET', [`/tasks/${id}`], 200))
    await ground.verify()
  })
}
