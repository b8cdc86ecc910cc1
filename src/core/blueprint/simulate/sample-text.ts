/** A deterministic choice: a whole number from 0 up to, not including, `count`. The caller seeds it. */
export type Pick = (count: number) => number

/** Always the same choices for the same seed (mulberry32). Chooses samples only: nothing that needs to be unforeseeable. */
export function seededPick(seed: number): Pick {
  let state = seed >>> 0
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % count
  }
}

/** At most so many more repetitions than a pattern needs. */
const MORE = 2
const ANY = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789'
const CLASSES: Readonly<Record<string, string>> = {
  d: '0123456789',
  w: `${ANY}_`,
  s: ' ',
  D: ANY.slice(0, 52),
  W: ' -',
  S: ANY,
}

/**
 * A text that a pattern of common parts matches: literals, classes, groups, alternatives and counts. A guess where a pattern has
 * more than these: the caller checks it. Undefined where it cannot guess.
 */
export function textOfPattern(pattern: string, pick: Pick): string | undefined {
  const reader = new PatternReader(pattern, pick)
  return reader.alternatives()
}

class PatternReader {
  readonly #pattern: string
  readonly #pick: Pick
  #at = 0

  constructor(pattern: string, pick: Pick) {
    this.#pattern = pattern
    this.#pick = pick
  }

  /** Up to the end, or to the `)` of the group. Undefined for what it does not know. */
  alternatives(): string | undefined {
    const texts: string[] = []
    do {
      const text = this.#sequence()
      if (text === undefined) return undefined
      texts.push(text)
    } while (this.#take('|'))
    return texts[this.#pick(texts.length)]
  }

  #sequence(): string | undefined {
    let text = ''
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#next())) {
      if (this.#take('^') || this.#take('$')) continue
      const start = this.#at
      const piece = this.#piece()
      if (piece === undefined) return undefined
      const end = this.#at
      const count = this.#count()
      if (count === undefined) return undefined
      if (count > 0) text += piece
      // Each repetition chooses anew.
      const after = this.#at
      for (let i = 1; i < count; i++) {
        this.#at = start
        text += this.#piece() ?? ''
        this.#at = end
      }
      this.#at = after
    }
    return text
  }

  #piece(): string | undefined {
    if (this.#take('(')) {
      if (this.#take('?') && !this.#take(':')) return undefined
      const text = this.alternatives()
      return this.#take(')') ? text : undefined
    }
    if (this.#take('[')) return this.#oneOf(this.#classCharacters())
    if (this.#take('.')) return this.#oneOf(ANY)
    if (this.#take('\\')) return this.#escaped()
    return this.#character()
  }

  #escaped(): string | undefined {
    const character = this.#character()
    const ofClass = CLASSES[character]
    if (ofClass !== undefined) return this.#oneOf(ofClass)
    return /[A-Za-z0-9]/.test(character) ? undefined : character
  }

  #classCharacters(): string {
    const negated = this.#take('^')
    let characters = ''
    for (let first = true; first || this.#next() !== ']'; first = false) {
      if (this.#at >= this.#pattern.length) return ''
      const from = this.#character()
      if (from === '\\') {
        const escaped = this.#character()
        characters += CLASSES[escaped] ?? escaped
      } else if (this.#next() === '-' && this.#pattern[this.#at + 1] !== ']') {
        this.#at++
        characters += charactersBetween(from, this.#character())
      } else characters += from
    }
    this.#at++
    return negated ? [...ANY, ' ', '-'].filter((character) => !characters.includes(character)).join('') : characters
  }

  #oneOf(characters: string): string | undefined {
    const all = [...characters]
    return all.length === 0 ? undefined : all[this.#pick(all.length)]
  }

  /** How often the piece before is repeated. */
  #count(): number | undefined {
    if (this.#take('?')) return this.#repeat(0, 1)
    if (this.#take('*')) return this.#repeat(0, MORE)
    if (this.#take('+')) return this.#repeat(1, 1 + MORE)
    const found = /^\{(\d+)(,(\d*))?\}/.exec(this.#pattern.slice(this.#at))
    if (!found) return 1
    this.#at += found[0].length
    const least = Number(found[1])
    const most = found[2] === undefined ? least : found[3] === '' ? least + MORE : Number(found[3])
    return this.#repeat(least, Math.min(most, least + MORE))
  }

  #repeat(least: number, most: number): number {
    this.#take('?')
    return least + this.#pick(most - least + 1)
  }

  #next(): string {
    return this.#pattern[this.#at] ?? ''
  }

  #character(): string {
    const code = this.#pattern.codePointAt(this.#at)
    if (code === undefined) return ''
    const character = String.fromCodePoint(code)
    this.#at += character.length
    return character
  }

  #take(character: string): boolean {
    if (this.#pattern[this.#at] !== character) return false
    this.#at++
    return true
  }
}

const MAX_RANGE = 256

function charactersBetween(from: string, to: string): string {
  const first = from.codePointAt(0) ?? 0
  const last = Math.min(to.codePointAt(0) ?? 0, first + MAX_RANGE)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => String.fromCodePoint(first + i)).join('')
}
