// The schemas of the OpenAPI document, by name.
import type { Schema } from '../core/json-schema.ts'
import { ANSWERS } from './answers.ts'
import { BODIES } from './bodies.ts'

export type SchemaName = keyof typeof BODIES | keyof typeof ANSWERS

export const SCHEMAS: Readonly<Record<SchemaName, Schema>> = { ...BODIES, ...ANSWERS }
