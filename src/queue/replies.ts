// ioredis as it is used here: what Redis answers can end a connection, but not this process.
import { Redis, type RedisOptions } from 'ioredis'
import DataHandler from 'ioredis/built/DataHandler.js'

interface Dispatcher {
  dispatch(reply: () => void): void
  returnFatalError(error: unknown): void
}

// ioredis throws out of the event loop what an answer of an odd shape does to it, as that of a null which nobody asked for: it takes
// it for the error of a listener. Those of this folder hand on later what they hear, so what is thrown here is ioredis' own.
const dispatcher = (DataHandler as unknown as { default: { prototype: Dispatcher } }).default.prototype
dispatcher.dispatch = function (reply) {
  try {
    reply()
  } catch (error) {
    this.returnFatalError(error)
  }
}

export { Redis, type RedisOptions }
