import { isFieldName } from '../pointer.ts'

/** An id of the blueprint format made from words: unlike those in `taken`, and added to them. */
export function uniqueId(words: string, fallback: string, taken: Set<string>): string {
  const plain = words
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[-0-9]+|-+$/g, '')
    .slice(0, 48)
    .replace(/-+$/, '')
  return unlike(plain === '' || !isFieldName(plain) ? fallback : plain, '-', taken)
}

/** A property name of the schema profile, kept where it is one already. */
export function uniqueFieldName(name: string, taken: Set<string>): string {
  const plain = name
    .replaceAll(/[^A-Za-z0-9_-]+/g, '_')
    .replace(/^[^A-Za-z]+/, '')
    .slice(0, 48)
  return unlike(isFieldName(name) ? name : isFieldName(plain) ? plain : 'field', '', taken)
}

function unlike(base: string, separator: string, taken: Set<string>): string {
  let name = base
  for (let number = 2; taken.has(name); number++) name = `${base}${separator}${number}`
  taken.add(name)
  return name
}
