// The levels that pino itself knows.
import { pino } from 'pino'

export const levels = (): string[] => [...Object.keys(pino().levels.values), 'silent']
