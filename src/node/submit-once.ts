import type { JsonValue } from '../core/canonical-json.ts'
import type { Submission } from '../storage/storage.ts'
import type { Prepared, RequestMacs } from './act.ts'

/** Signs and submits once an idempotency key; the same key with another request is refused. */
export type SubmitOnce = (
  idempotencyKey: string,
  request: JsonValue,
  prepare: (macs: RequestMacs) => Promise<Prepared>,
) => Promise<Submission>
