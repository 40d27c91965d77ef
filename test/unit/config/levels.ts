// The levels that pino itself knows.
import { makeLog } from '../../../src/telemetry/log.ts'

export const levels = (): string[] => [...Object.keys(makeLog('silent', { node: '' }).levels.values), 'silent']
