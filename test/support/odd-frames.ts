// What Postgres and Redis do not say, or not at such a time: whole messages, each with what it is.

const message = (type: string, ...body: readonly (number | string)[]): Buffer => {
  const parts = body.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : int32(part)))
  const length = 4 + parts.reduce((sum, { length }) => sum + length, 0)
  return Buffer.concat([Buffer.from(type), int32(length), ...parts])
}

function int32(value: number): Buffer {
  const four = Buffer.alloc(4)
  four.writeInt32BE(value)
  return four
}

/** By name. */
export const ODD_POSTGRES: Readonly<Record<string, Buffer>> = {
  'a method of authentication that pg does not know': message('R', 9),
  'a method that nobody knows': message('R', 4711),
  Kerberos: message('R', 2),
  'a password in clear text': message('R', 3),
  'a password with MD5': message('R', 5, 'salt'),
  'SASL with mechanisms that pg does not know': message('R', 10, 'OTHER\0\0'),
  'SASL that goes on before it began': message('R', 11, 'r=x,s=eA==,i=1'),
  'SASL that ends before it began': message('R', 12, 'v=eA=='),
  'authentication without a method': message('R'),
  'an error without an end': message('E', 'SERROR\0C57014\0Mtext\0'),
  'an error without anything': message('E'),
  'an error whose field has no end': message('E', 'SERR'),
  'an error that nobody asked for': message('E', 'SERROR\0C57014\0Mtext\0\0'),
  'a notice without an end': message('N', 'SNOTICE\0'),
  'a notice': message('N', 'SNOTICE\0C00000\0Mtext\0\0'),
  readiness: message('Z', 'I'),
  'a row with fewer than no columns': message('D', '\xff\xff'),
  'a row with columns that are not there': message('D', '\x00\x07'),
  'a row': message('D', '\x00\x01\x00\x00\x00\x01x'),
  'a description with fewer than no columns': message('T', '\x80\x00'),
  'a description without its columns': message('T', '\x00\x05'),
  'the end of a command': message('C', 'INSERT 0 1\0'),
  'the end of a command without its name': message('C'),
  'copying in': message('G', '\x00\x00\x01\x00\x00'),
  'copying out': message('H', '\x00\x80\x00'),
  'data of a copy': message('d', 'data'),
  'a portal that is suspended': message('s'),
  'a statement that was parsed': message('1'),
  'nothing to run': message('I'),
  'a parameter without a value': message('S', 'TimeZone\0'),
  'a key without its secret': message('K', 1),
  'a notification': message('A', 1, 'channel\0text\0'),
  'a message of a type that nobody knows': message('?', 'text'),
  'a message that is shorter than its length': Buffer.from('R\0\0\0\0', 'latin1'),
  'a message that is longer than any': Buffer.from('D\x7f\xff\xff\xff', 'latin1'),
  'text of another protocol': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
}

/** By name. */
export const ODD_REDIS: Readonly<Record<string, Buffer>> = Object.fromEntries(
  Object.entries({
    null: '$-1\r\n',
    'a null list': '*-1\r\n',
    'a RESP3 null': '_\r\n',
    'an empty list': '*0\r\n',
    'a list of nulls': '*3\r\n$-1\r\n$-1\r\n$-1\r\n',
    'a message without a channel': '*3\r\n$7\r\nmessage\r\n$-1\r\n$1\r\n1\r\n',
    'a message without a text': '*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$-1\r\n',
    'a message that is only that': '*1\r\n$7\r\nmessage\r\n',
    'a message of a pattern that is only that': '*1\r\n$8\r\npmessage\r\n',
    'a subscription without a channel': '*1\r\n$9\r\nsubscribe\r\n',
    'the end of a subscription': '*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n',
    'a number': ':1\r\n',
    'a number that is none': ':x\r\n',
    'a text': '+OK\r\n',
    'an error': '-ERR no\r\n',
    'an error without a word': '-\r\n',
    'an error of another slot': '-MOVED 1 127.0.0.1:1\r\n',
    'a list in lists': '*1\r\n'.repeat(20_000),
    'a text that is longer than any': '$99999999999999999999\r\n',
    'a text with less than nothing': '$-7\r\n',
    'a list that is longer than any': '*99999999999\r\n',
    'a push': '>2\r\n+message\r\n+x\r\n',
    'a push of nothing': '>1\r\n_\r\n',
    'a push that is a subscription': '>1\r\n+subscribe\r\n',
    'a map': '%1\r\n_\r\n_\r\n',
    'a set': '~1\r\n:1\r\n',
    'a double': ',1.5\r\n',
    'an attribute': '|1\r\n+a\r\n+b\r\n',
    'text of another protocol': 'HTTP/1.1 400 Bad Request\r\n\r\n',
  }).map(([name, text]) => [name, Buffer.from(text, 'latin1')]),
)
