/** One import, export-from, dynamic import, type import or `new URL('./file.ts', import.meta.url)` (how a worker is named). */
export interface Import {
  specifier: string
  line: number
}

/**
 * Finds every import in TypeScript text as Biome formats it. Text inside comments, strings, templates and regular expressions
 * is not mistaken for one. What cannot be followed (an import of an expression) is returned with an empty specifier.
 */
export function findImports(text: string): Import[] {
  const { code, strings } = readSource(text)
  const found: Import[] = []
  // In `code` each string literal is "\0<its number>\0".
  const forms = [
    /\b(?:import|export)\b[^;'"\0()=]*?\bfrom\s*\0(\d+)\0/g,
    /\bimport\s*\0(\d+)\0/g,
    /\bimport\s*\(\s*(?:\0(\d+)\0)?/g,
    /\bnew URL\(\s*\0(\d+)\0,\s*import\.meta\.url/g,
  ]
  for (const form of forms) {
    for (const match of code.matchAll(form)) {
      const specifier = match[1] === undefined ? '' : (strings[Number(match[1])] ?? '')
      found.push({ specifier, line: code.slice(0, match.index).split('\n').length })
    }
  }
  return found
}

/** The text without comments, and with each string or regular expression emptied: only what is code. Lines keep their numbers. */
export function codeOf(text: string): string {
  return readSource(text).code.replaceAll(/\0\d+\0/g, "''")
}

function readSource(text: string): { code: string; strings: string[] } {
  const strings: string[] = []
  const templates: number[] = [] // for each open `${`, the depth of braces inside it
  let code = ''
  let at = 0
  const keepLines = (end: number) => {
    code += text.slice(at, end).replaceAll(/[^\n]/g, '')
    at = end
  }
  const readTemplate = () => {
    for (; at < text.length; at++) {
      if (text[at] === '\\') at++
      else if (text[at] === '\n') code += '\n'
      else if (text.startsWith('${', at)) {
        templates.push(0)
        at += 2
        code += ' ('
        return
      } else if (text[at] === '`') {
        at++
        return
      }
    }
  }
  while (at < text.length) {
    const char = text[at]!
    if (text.startsWith('//', at)) keepLines(endOf(text.indexOf('\n', at), text))
    else if (text.startsWith('/*', at)) keepLines(endOf(text.indexOf('*/', at) + 2, text))
    else if (char === "'" || char === '"') {
      const end = endOfLiteral(text, at, char)
      code += `\0${strings.length}\0`
      strings.push(text.slice(at + 1, end - 1))
      at = end
    } else if (char === '/' && startsRegExp(code)) {
      at = endOfLiteral(text, at, '/')
      code += `\0${strings.length}\0`
      strings.push('')
    } else if (char === '`') {
      at++
      readTemplate()
    } else if (templates.length > 0 && char === '}' && templates.at(-1) === 0) {
      templates.pop()
      at++
      code += ')'
      readTemplate()
    } else {
      if (templates.length > 0 && char === '{') templates.push(templates.pop()! + 1)
      if (templates.length > 0 && char === '}') templates.push(templates.pop()! - 1)
      code += char
      at++
    }
  }
  return { code, strings }
}

function endOf(index: number, text: string): number {
  return index <= 1 ? text.length : index
}

/** The place after the closing quote; inside a regular expression's [class] a slash does not close it. */
function endOfLiteral(text: string, start: number, quote: string): number {
  let inClass = false
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at++
    else if (quote === '/' && char === '[') inClass = true
    else if (quote === '/' && char === ']') inClass = false
    else if ((char === quote && !inClass) || char === '\n') return at + 1
  }
  return text.length
}

/** A slash divides after a value and starts a regular expression elsewhere. */
function startsRegExp(code: string): boolean {
  const before = code.trimEnd()
  if (/\b(?:return|typeof|case|of|in|yield|await|throw|else|do|void)$/.test(before)) return true
  return before === '' || !/[\w$)\]}\0]$/.test(before)
}
