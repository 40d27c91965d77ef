// Who sends a request, as the door has found out.
import type { Context } from 'koa'
import { ANYBODY, type Caller } from '../core/key.ts'

/** The caller of a request that the door has let in. */
export const callerOf = (ctx: Context): Caller => (ctx.state.caller as Caller | undefined) ?? ANYBODY
