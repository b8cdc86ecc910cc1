import type { JsonValue } from '../canonical-json.ts'
import { BLUEPRINT_LIMITS, each, fail, oneOf, pointer, record, shape, text } from './document-shape.ts'

/** Of fields, groups and the items of lists, within each other up to a few levels. Rules are checked by `checkBlueprint`. */
export function parseForm(value: JsonValue | undefined, at: string): void {
  formItems(value, at, 0)
}

const CONTROLS = [
  'text-line',
  'text-area',
  'number',
  'date',
  'choice',
  'checkbox',
  'selection',
  'file',
  'label',
  'layout',
] as const

function formItems(value: JsonValue | undefined, at: string, level: number): void {
  if (level >= BLUEPRINT_LIMITS.formLevels) fail(at, `at most ${BLUEPRINT_LIMITS.formLevels} levels of items`, 'more')
  each(value, at, BLUEPRINT_LIMITS.listItems, (item, place) => {
    const isGroup = typeof item === 'object' && item !== null && Object.hasOwn(item, 'group')
    if (isGroup) formGroup(item, place, level)
    else formField(item, place, level)
  })
}

function formGroup(value: JsonValue, at: string, level: number): void {
  const entry = shape(value, at, ['group', 'items'], ['when'])
  text(entry.group, `${at}/group`)
  formItems(entry.items, `${at}/items`, level + 1)
}

function formField(value: JsonValue, at: string, level: number): void {
  const entry = shape(value, at, ['field', 'label'], ['hint', 'options', 'when', 'items', 'control'])
  pointer(entry.field, `${at}/field`)
  text(entry.label, `${at}/label`)
  if (entry.hint !== undefined) text(entry.hint, `${at}/hint`)
  if (entry.options !== undefined) record(entry.options, `${at}/options`, text)
  if (entry.items !== undefined) formItems(entry.items, `${at}/items`, level + 1)
  if (entry.control !== undefined) oneOf(entry.control, `${at}/control`, CONTROLS)
}
