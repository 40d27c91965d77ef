// What a node under test is started with (`node --import`). Nothing of it is in the product; a node without it runs the same files.
// A thread loads only its own part: a node is started hundreds of times in a run.
import { isMainThread } from 'node:worker_threads'

await import(isMainThread ? './process.js' : './thread.js')
