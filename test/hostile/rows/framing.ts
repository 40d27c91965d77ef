// Where a body ends: the classics of request smuggling, lengths that lie, and chunks that are none.
import { answered, CHUNK, CHUNKED, GET, HEADS, HIDDEN, LAST, LENGTH, refused, type Row, TASK } from './row.ts'

const length = (value: string | number): string => `Content-Length: ${value}\r\n`

export const FRAMING: readonly Row[] = [
  // Two ways to tell the end: a proxy in front may have believed the other one.
  refused('CL.TE: a length that covers a hidden request', `${HEADS}${length(100)}${CHUNKED}\r\n${LAST}${HIDDEN}`),
  refused('TE.CL: chunks that cover a hidden request', `${HEADS}${CHUNKED}${length(4)}\r\n2b\r\n${HIDDEN}\r\n${LAST}`),
  refused('TE.TE: chunked, and again with another value', `${HEADS}${CHUNKED}Transfer-Encoding: x\r\n\r\n${LAST}`),
  refused('TE.TE: identity, then chunked', `${HEADS}Transfer-Encoding: identity\r\n${CHUNKED}${LENGTH}\r\n${LAST}`),
  refused('TE.TE: an encoding behind chunked', `${HEADS}Transfer-Encoding: chunked, identity\r\n\r\n${LAST}`),
  refused('an encoding that nobody knows', `${HEADS}Transfer-Encoding: xchunked\r\n\r\n${LAST}${HIDDEN}`),
  refused('chunked in quotes', `${HEADS}Transfer-Encoding: "chunked"\r\n\r\n${LAST}${HIDDEN}`),
  refused('chunked behind a vertical tab', `${HEADS}Transfer-Encoding: \x0bchunked\r\n\r\n${LAST}${HIDDEN}`),
  refused('a space before the colon', `${HEADS}Transfer-Encoding : chunked\r\n\r\n${LAST}${HIDDEN}`),
  refused('a header that begins with a space', `${HEADS} ${CHUNKED}\r\n${LAST}${HIDDEN}`),
  refused('an obs-fold before chunked', `${HEADS}Transfer-Encoding:\r\n chunked\r\n\r\n${LAST}${HIDDEN}`),
  refused('chunked behind a bare LF in a header', `${HEADS}X-A: b\n${CHUNKED}\r\n${LAST}${HIDDEN}`),
  refused('chunked behind a bare CR in a header', `${HEADS}X-A: b\r${CHUNKED}\r\n${LAST}${HIDDEN}`),
  refused('chunks in HTTP/1.0, with a length', `${HEADS.replace('1.1', '1.0')}${CHUNKED}${LENGTH}\r\n${CHUNK}${LAST}`),
  answered('chunked in capitals', `${HEADS}TRANSFER-ENCODING: CHUNKED\r\n\r\n${CHUNK}${LAST}`, 302),

  // Lengths.
  refused('two lengths that differ', `${HEADS}${LENGTH}${length(TASK.length + 1)}\r\n${TASK} `),
  refused('two lengths that are the same', `${HEADS}${LENGTH}${LENGTH}\r\n${TASK}`),
  refused('two lengths in one header', `${HEADS}${length(`${TASK.length}, ${TASK.length}`)}\r\n${TASK}`),
  refused('a negative length', `${HEADS}${length(-1)}\r\n${TASK}`),
  refused('a length with a sign', `${HEADS}${length(`+${TASK.length}`)}\r\n${TASK}`),
  refused('a hexadecimal length', `${HEADS}${length('0x2e')}\r\n${TASK}`),
  refused('a length with a space inside', `${HEADS}${length('4 6')}\r\n${TASK}`),
  refused('a length with a fraction', `${HEADS}${length('46.0')}\r\n${TASK}`),
  refused('a length of letters', `${HEADS}${length('abc')}\r\n${TASK}`),
  refused('a length beyond 64 bits', `${HEADS}${length('99999999999999999999999')}\r\n${TASK}`),
  refused('an empty length', `${HEADS}Content-Length: \r\n\r\n${TASK}`),
  answered('a length with leading zeros', `${HEADS}${length(`000${TASK.length}`)}\r\n${TASK}`, 302),
  answered('a length of 0', `${HEADS}${length(0)}\r\n`, 400),
  { ...refused('a length that is too short', `${HEADS}${length(10)}\r\n${TASK}`), answers: [400, 400] },
  refused('a length that is too long', `${HEADS}${length(1000)}\r\n${TASK}`, 400, 'end'),
  answered('no length and no chunks', `${HEADS}\r\n`, 400),
  {
    name: 'a second request instead of the rest of a body',
    send: `${HEADS}${length(TASK.length + GET.length + 2)}\r\n${TASK}${GET}\r\n`,
    answers: [400],
    connection: 'open',
  },

  // Chunks.
  answered('one chunk', `${HEADS}${CHUNKED}\r\n${CHUNK}${LAST}`, 302),
  answered('a chunk for every byte', `${HEADS}${CHUNKED}\r\n${TASK.replaceAll(/./g, '1\r\n$&\r\n')}${LAST}`, 302),
  answered('no chunk but the last', `${HEADS}${CHUNKED}\r\n${LAST}`, 400),
  answered('a size with leading zeros', `${HEADS}${CHUNKED}\r\n0000${CHUNK}${LAST}`, 302),
  answered('a small extension', `${HEADS}${CHUNKED}\r\n${CHUNK.replace('\r\n', ';a=b\r\n')}${LAST}`, 302),
  answered('a trailer', `${HEADS}${CHUNKED}\r\n${CHUNK}0\r\nX-Trailer: y\r\n\r\n`, 302),
  refused('a trailer that names a length', `${HEADS}${CHUNKED}\r\n${CHUNK}0\r\n${length(5)}\r\n`),
  refused('a size beyond 64 bits', `${HEADS}${CHUNKED}\r\nfffffffffffffffff\r\n${TASK}\r\n${LAST}`),
  refused('a size that wraps round to the right one', `${HEADS}${CHUNKED}\r\n1000000000000002e\r\n${TASK}\r\n${LAST}`),
  refused('a negative size', `${HEADS}${CHUNKED}\r\n-2e\r\n${TASK}\r\n${LAST}`),
  refused('a size with 0x', `${HEADS}${CHUNKED}\r\n0x2e\r\n${TASK}\r\n${LAST}`),
  refused('a size with a sign', `${HEADS}${CHUNKED}\r\n+2e\r\n${TASK}\r\n${LAST}`),
  refused('a size of letters', `${HEADS}${CHUNKED}\r\nzz\r\n${TASK}\r\n${LAST}`),
  refused('an empty size', `${HEADS}${CHUNKED}\r\n\r\n${TASK}\r\n${LAST}`),
  refused('a size that ends in a bare LF', `${HEADS}${CHUNKED}\r\n${CHUNK.replace('\r', '')}${LAST}`),
  refused('an extension with a bare LF', `${HEADS}${CHUNKED}\r\n${CHUNK.replace('\r\n', ';a\n\r\n')}${LAST}`),
  refused('a chunk that is longer than its size', `${HEADS}${CHUNKED}\r\n5\r\n${TASK}\r\n${LAST}`),
  refused('a chunk that is shorter than its size', `${HEADS}${CHUNKED}\r\n40\r\n${TASK}\r\n${LAST}`, 400, 'end'),
  refused('a last chunk that does not end', `${HEADS}${CHUNKED}\r\n${CHUNK}0\r\n`, 400, 'end'),
  refused(
    'extensions of 1 MB',
    `${HEADS}${CHUNKED}\r\n${CHUNK.replace('\r\n', `;${'a'.repeat(1_000_000)}\r\n`)}${LAST}`,
    413,
  ),
  answered('a size with 1 MB of leading zeros', `${HEADS}${CHUNKED}\r\n${'0'.repeat(1_000_000)}${CHUNK}${LAST}`, 302),
  refused('trailers of 1 MB', `${HEADS}${CHUNKED}\r\n${CHUNK}0\r\nX-A: ${'a'.repeat(1_000_000)}\r\n\r\n`, 431),

  // Bodies where there is no use for one.
  answered('a body on GET', `${GET}${LENGTH}\r\n${TASK}`, 200),
  answered('a body on GET, in chunks', `${GET}${CHUNKED}\r\n${CHUNK}${LAST}`, 200),
  answered('a request hidden in the body of a GET', `${GET}${length(HIDDEN.length)}\r\n${HIDDEN}`, 200),
  answered('a body on DELETE', `DELETE /tasks/999999 HTTP/1.1\r\nHost: x\r\n${LENGTH}\r\n${TASK}`, 404),
  answered(
    'a request hidden in a body that is refused for its type',
    `${HEADS.replace('json', 'xml')}${length(HIDDEN.length)}\r\n${HIDDEN}`,
    415,
  ),
]
