// The body of an answer: decompresses the body, removes a byte order mark, and checks whether the text is JSON.
import { isUtf8 } from 'node:buffer'
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import type { Body } from '../core/answers.ts'
import { checkJson } from '../core/json.ts'
import { MAX_BODY, MAX_DEPTH } from '../core/limits.ts'

/** The bytes of a body that were read. */
export interface Read {
  readonly bytes: Buffer
  /** Whether the body was longer than `cap` and was cut off. */
  readonly large: boolean
  /** The most bytes that are read. */
  readonly cap: number
  /** The answer's `Content-Encoding`. */
  readonly encoding: string | undefined
}

/** The body as it is stored with the task. */
export function bodyOf({ bytes, large, cap, encoding }: Read): Body {
  // A body over 1 MiB is not stored. The body of an error has a lower cap, and its first bytes are shown.
  if (large && cap === MAX_BODY) return LARGE
  const packing = packingOf(bytes, encoding)
  const plain = packing === undefined ? bytes : unpacked(bytes, packing, large)
  if (plain === 'large') return LARGE
  const kept = withoutMark(plain ?? bytes)
  if (kept.length === 0) return { kind: 'empty', text: '' }
  const text = kept.toString('utf8', 0, cap)
  if (large || kept.length > cap) return { kind: 'text', text }
  const json = checkJson(kept, MAX_DEPTH)
  if (json === 'ok') return { kind: 'json', text }
  if (packing !== undefined && plain === undefined)
    return { kind: 'text', text, why: `it is compressed (${packing}) and could not be unpacked` }
  if (json === 'too_deep') return { kind: 'text', text, why: `it is nested more than ${MAX_DEPTH} deep` }
  return { kind: 'text', text, why: isUtf8(kept) ? 'it is malformed' : 'it is not UTF-8' }
}

const LARGE: Body = { kind: 'large', text: '' }

/** Decompresses bytes. `cut`: the bytes end in the middle of the stream, and what they hold is returned. */
type Unpack = (bytes: Buffer, cut: boolean) => Buffer

const zlibOptions = (cut: boolean) => ({
  maxOutputLength: MAX_BODY,
  ...(cut ? { finishFlush: constants.Z_SYNC_FLUSH } : {}),
})
const gzip: Unpack = (bytes, cut) => gunzipSync(bytes, zlibOptions(cut))
/** Some servers leave out the zlib header, whose first byte has an 8 in its lower half. */
const deflate: Unpack = (bytes, cut) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? inflateSync(bytes, zlibOptions(cut)) : inflateRawSync(bytes, zlibOptions(cut))
const br: Unpack = (bytes, cut) =>
  brotliDecompressSync(bytes, {
    maxOutputLength: MAX_BODY,
    ...(cut ? { finishFlush: constants.BROTLI_OPERATION_FLUSH } : {}),
  })

const UNPACKS: ReadonlyMap<string, Unpack> = new Map([
  ['gzip', gzip],
  ['x-gzip', gzip],
  ['deflate', deflate],
  ['br', br],
])

/** The most characters of an unknown encoding's name that are shown. */
const MAX_ENCODING_NAME_CHARS = 40

/** The compression of a body: from `Content-Encoding`, or else from the first bytes. Undefined: the body is not compressed. */
function packingOf(bytes: Buffer, encoding: string | undefined): string | undefined {
  if (encoding !== undefined && encoding !== '') {
    const name = encoding.trim().toLowerCase().slice(0, MAX_ENCODING_NAME_CHARS)
    if (name !== 'identity') return name
  }
  // Neither signature can begin a text in UTF-8.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return 'gzip'
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return 'zstd'
  return undefined
}

/** The decompressed bytes. `large`: decompression was stopped at 1 MiB. Undefined: the bytes are not of the stated compression. */
function unpacked(bytes: Buffer, packing: string, cut: boolean): Buffer | 'large' | undefined {
  try {
    return UNPACKS.get(packing)?.(bytes, cut)
  } catch (error) {
    return error instanceof RangeError ? 'large' : undefined
  }
}

/** The bytes without a UTF-8 byte order mark at the start. */
const withoutMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
