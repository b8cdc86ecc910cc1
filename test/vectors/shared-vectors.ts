import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, '../../../shared/vectors')

/** For node:test's `skip` option: false where the public test vectors lie beside the project, else the reason printed. */
export const sharedVectorsAbsent: string | false = existsSync(folder)
  ? false
  : 'the public test vectors are not at ../shared/vectors'

export function readSharedVector(path: string): Buffer {
  return readFileSync(join(folder, path))
}

export function readSharedJson<T>(path: string): T {
  return JSON.parse(readSharedVector(path).toString()) as T
}
