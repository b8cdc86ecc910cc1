import { RE2JS } from 're2js'

/**
 * Blueprint patterns run in linear time, so none can hang a node. Both limits bound what one test costs: patterns of more
 * instructions are refused when the blueprint is checked, and a longer text never matches (strings are capped below it anyway).
 */
export const PATTERN_LIMITS = { characters: 500, instructions: 300, text: 10_000 } as const

export interface Pattern {
  test: (text: string) => boolean
  toString: () => string
}

/** Undefined if the pattern is malformed, needs backtracking (look-around, back-references) or is too large. */
export function compilePattern(source: string): Pattern | undefined {
  if (source.length > PATTERN_LIMITS.characters) return undefined
  let compiled: RE2JS
  try {
    compiled = RE2JS.compile(RE2JS.translateRegExp(source))
  } catch {
    return undefined
  }
  if (compiled.programSize() > PATTERN_LIMITS.instructions) return undefined
  return {
    test: (text) => text.length <= PATTERN_LIMITS.text && compiled.test(text),
    // Ajv names compiled patterns by this text: without a text of its own, every pattern would be the first one compiled.
    toString: () => `/re2:${source}/u`,
  }
}
