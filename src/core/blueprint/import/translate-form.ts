import type { JsonObject, JsonValue } from '../../canonical-json.ts'
import type { Control, FormField, FormItem, Rule } from '../blueprint.ts'
import { fieldsOf } from '../pointer.ts'
import { type DraftStep, findInStep } from './draft-step.ts'
import type { Losses } from './losses.ts'
import { below, isObject, readObject, readOptionalList } from './read-source.ts'
import { emptyValue } from './rule-type.ts'

const CONTROLS: Record<string, Control> = {
  TextLine: 'text-line',
  TextArea: 'text-area',
  Numeric: 'number',
  DateTime: 'date',
  File: 'file',
  Choice: 'choice',
  Checkbox: 'checkbox',
  Selection: 'selection',
}
const CARRIED = ['type', 'controlType', 'layout', 'title', 'scope', 'elements', 'options', 'rule', 'schema', '@type']
const MAX_ELEMENTS = 200
const MAX_GROUP_LEVEL = 2
/** Deeper trees than any page has are refused by the parser of JSON already; this bounds the work. */
const NOTHING = [undefined, null]

/** The control tree as form items: groups that have a title, and the fields in their order. Undefined if no field is left. */
export function translateForm(step: DraftStep, losses: Losses): FormItem[] | undefined {
  const { form } = step.source
  if (form === undefined) return undefined
  const items = new FormTranslation(step, losses).items(form.value, form.at, 0)
  return items.length > 0 ? items : undefined
}

class FormTranslation {
  readonly #step: DraftStep
  readonly #losses: Losses
  readonly #placed = new Set<string>()
  /** Read by lists' own elements: names of an item, and where it is. */
  #item: { schema: JsonObject; path: string[] } | undefined

  constructor(step: DraftStep, losses: Losses) {
    this.#step = step
    this.#losses = losses
  }

  items(value: JsonValue, at: string, level: number): FormItem[] {
    const control = readObject(value, at)
    this.#reportKeys(control, at)
    const type = control.type ?? control.controlType
    if (type !== 'Layout' && !Array.isArray(control.elements)) return this.#leaf(control, String(type), at)
    const list = this.#listAt(control, at, level)
    if (list) return [list]
    const inner = this.#elements(control, at, control.layout === 'Group' ? level + 1 : level)
    const title = control.title
    if (control.layout !== 'Group' || typeof title !== 'string' || title === '' || inner.length === 0) {
      if (!NOTHING.includes(control.rule as null)) {
        this.#losses.add(
          'FORM_DROPPED',
          below(at, 'rule'),
          'a rule of a layout',
          'only fields and groups with a title have one',
        )
      }
      return inner
    }
    if (level > MAX_GROUP_LEVEL) {
      this.#losses.add('FORM_DROPPED', at, `the group ${title.slice(0, 80)}`, 'groups nest up to three levels')
      return inner
    }
    const when = this.#condition(control, at, inner.flatMap(fieldsIn))
    return [{ group: title, items: inner, ...when }]
  }

  #elements(control: JsonObject, at: string, level: number): FormItem[] {
    const place = below(at, 'elements')
    return readOptionalList(control.elements, place, MAX_ELEMENTS).flatMap((element, i) => {
      return this.items(element, below(place, i), level)
    })
  }

  #leaf(control: JsonObject, type: string, at: string): FormItem[] {
    const item = this.#field(control, at)
    if (item === undefined) return []
    const control_ = Object.hasOwn(CONTROLS, type) ? CONTROLS[type] : undefined
    return [{ ...item, ...(control_ === undefined ? {} : { control: control_ }) }]
  }

  /** A layout whose scope is a list of objects: its elements are of one item. */
  #listAt(control: JsonObject, at: string, level: number): FormField | undefined {
    if (typeof control.scope !== 'string' || this.#item !== undefined) return undefined
    const names = namesIn(control.scope)
    const items = findInStep(this.#step, names)?.schema.items
    if (!isObject(items) || items.type !== 'object') return undefined
    const field = this.#field(control, at)
    if (field === undefined) return undefined
    this.#item = { schema: items, path: names }
    const inner = this.#elements(control, at, level + 1)
    this.#item = undefined
    return inner.length > 0 ? { ...field, items: inner } : field
  }

  #field(control: JsonObject, at: string): FormField | undefined {
    const { scope, title } = control
    if (typeof scope !== 'string' || scope === '') {
      const words = typeof title === 'string' ? title.slice(0, 80) : String(control.type ?? control.controlType)
      this.#losses.add('FORM_DROPPED', at, words, 'it is about no field')
      return undefined
    }
    const target = this.#target(namesIn(scope))
    if (target === undefined) {
      this.#losses.add('FORM_DROPPED', below(at, 'scope'), scope.slice(0, 80), 'the action has no such field')
      return undefined
    }
    if (this.#placed.has(target.key)) {
      this.#losses.add('FORM_DROPPED', below(at, 'scope'), scope.slice(0, 80), 'the field is in the form already')
      return undefined
    }
    this.#placed.add(target.key)
    const { schema, pointer } = target
    const label = [title, schema.title].find((words) => typeof words === 'string' && words !== '')
    const hint = typeof schema.description === 'string' ? schema.description : undefined
    return {
      field: pointer,
      label: typeof label === 'string' ? label : pointer.slice(pointer.lastIndexOf('/') + 1),
      ...(hint === undefined ? {} : { hint }),
      ...this.#options(control, schema, at),
      ...(this.#item === undefined ? this.#condition(control, at, [pointer]) : {}),
    }
  }

  #target(names: string[]): { pointer: string; schema: JsonObject; key: string } | undefined {
    if (this.#item !== undefined) {
      const { schema, path } = this.#item
      const own =
        names.length > path.length && path.every((name, i) => names[i] === name) ? names.slice(path.length) : names
      const name = own.filter((part) => part !== '*' && !/^\d+$/.test(part)).join('/')
      const property =
        isObject(schema.properties) && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined
      return isObject(property)
        ? { pointer: `/${name}`, schema: property, key: `${path.join('/')}/*/${name}` }
        : undefined
    }
    const found = findInStep(this.#step, names)
    if (!found || found.rest.length > 0 || found.schema.type === 'object') return undefined
    return { pointer: found.pointer, schema: found.schema, key: found.pointer }
  }

  #options(control: JsonObject, schema: JsonObject, at: string): { options?: Record<string, string> } {
    if (NOTHING.includes(control.options as null)) return {}
    const values = Array.isArray(schema.enum) ? schema.enum : []
    const given = Array.isArray(control.options) ? control.options : []
    const labels = given.flatMap((option): [string, string][] => {
      if (!isObject(option)) return []
      const value = option.value ?? option.const
      const words = option.label ?? option.title
      return typeof value === 'string' && typeof words === 'string' && values.includes(value) ? [[value, words]] : []
    })
    if (labels.length < given.length || given.length === 0) {
      this.#losses.add(
        'FORM_DROPPED',
        below(at, 'options'),
        'options of a control',
        'only labels of the values that the schema lists are kept',
      )
    }
    return labels.length > 0 ? { options: Object.fromEntries(labels) } : {}
  }

  #condition(control: JsonObject, at: string, fields: string[]): { when?: Rule } {
    if (NOTHING.includes(control.rule as null)) return {}
    const place = below(at, 'rule')
    const when = isObject(control.rule) ? this.#rule(control.rule) : undefined
    const required = fieldsOf(this.#step.schema).filter((field) => field.required && fields.includes(field.pointer))
    if (when !== undefined && required.length === 0) return { when }
    const why =
      when === undefined
        ? 'only SHOW and HIDE by a field of the same action are kept'
        : 'a required field is always asked for'
    this.#losses.add('FORM_DROPPED', place, 'a rule that shows or hides', why)
    return {}
  }

  #rule({ effect, condition }: JsonObject): Rule | undefined {
    if (!isObject(condition) || typeof condition.scope !== 'string' || !isObject(condition.schema)) return undefined
    const found = findInStep(this.#step, namesIn(condition.scope))
    if (!found || found.rest.length > 0 || found.schema.type === 'array') return undefined
    const path = [this.#step.id, ...found.pointer.split('/').slice(1)].join('.')
    const value = { var: [path, emptyValue(found.schema)] }
    const { const: constant, enum: list } = condition.schema
    const holds: Rule | undefined =
      constant !== undefined && typeof constant !== 'object'
        ? { '===': [value, constant] }
        : Array.isArray(list)
          ? { in: [value, list] }
          : undefined
    if (holds === undefined) return undefined
    const shows = String(effect).toUpperCase()
    return shows === 'SHOW' ? holds : shows === 'HIDE' ? { '!': [holds] } : undefined
  }

  #reportKeys(control: JsonObject, at: string): void {
    for (const key of Object.keys(control)) {
      if (CARRIED.includes(key) || NOTHING.includes(control[key] as null)) continue
      const empty = typeof control[key] === 'object' && Object.keys(control[key] as object).length === 0
      if (!empty)
        this.#losses.add(
          'FORM_DROPPED',
          below(at, key),
          `${key.slice(0, 64)} of a control`,
          key === 'conditions' ? 'display rules of the older style are not read' : 'pages decide how a control looks',
        )
    }
  }
}

function fieldsIn(item: FormItem): string[] {
  return 'group' in item ? item.items.flatMap(fieldsIn) : [item.field]
}

/** `/a/b`, `#/properties/a/properties/b`, `$.a.b` and `a.b` alike. */
function namesIn(scope: string): string[] {
  const plain = scope.replace(/^#/, '').replace(/^\$\.?/, '')
  const names = plain.split(plain.includes('/') ? '/' : '.').filter((name) => name !== '')
  const schemaPath = names[0] === 'properties' && names.length % 2 === 0
  return names.filter((_, place) => !schemaPath || place % 2 === 1)
}
