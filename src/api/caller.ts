// Who sends a request, as the door has found out.
import type { Context } from 'koa'
import { ANYBODY, type Caller, mayDo } from '../core/key.ts'

/** The caller of a request that the door has let in. */
export const callerOf = (ctx: Context): Caller => (ctx.state.caller as Caller | undefined) ?? ANYBODY

/** Whether the caller of a request may see what it has changed. Where not, an answer has the location and no more. */
export const mayRead = (ctx: Context): boolean => mayDo(callerOf(ctx), 'read')
