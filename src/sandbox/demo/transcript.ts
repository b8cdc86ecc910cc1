import { join } from 'node:path'
import { type FormItem, getStep, type Text, textIn } from '../../core/blueprint/blueprint.ts'
import { split } from '../../core/blueprint/pointer.ts'
import type { ScenarioStep } from '../../core/blueprint/simulate/scenario.ts'
import type { Network } from '../network.ts'
import type { Story } from '../scenario.ts'
import type { Evidence, Lap, MemberAudit, PlayedAttack, PlayedCase } from './play-story.ts'
import type { DemoStory } from './stories.ts'

const WIDTH = 98
/** Columns of a field's name and of a mark. */
const FIELD = 38
const COLUMN = 7

/** The demo as a newcomer reads it: plain text of at most 100 columns, written as it happens. */
export class Transcript {
  readonly #write: (text: string) => void
  #section = 0

  constructor(write: (text: string) => void) {
    this.#write = write
  }

  opening(): void {
    this.#line('CONCORDAT: organisations that do not take orders from each other run one agreed process')
    this.#line()
    this.#text(
      'Each organisation of a story runs a node of its own, sees only its own fields, and can prove what happened. All of it runs on this ' +
        'machine, over real HTTP, by the time that the story tells. People, councils and some other bodies are invented.',
      0,
    )
  }

  story({ name, about }: DemoStory): void {
    this.#line()
    this.#line()
    this.#line('='.repeat(WIDTH))
    this.#text(`The story ${name}: ${about}`, 0)
    this.#line('='.repeat(WIDTH))
    this.#heading('They found a register and agree on the process')
  }

  founding(text: string): void {
    this.#text(`- ${text}`, 3)
  }

  founded({ members, register }: Network, { members: known }: Story): void {
    this.#line()
    const width = widthOfNames(members)
    for (const [id, { name, address }] of members) {
      const voting = known.find((member) => member.id === id)?.voting === true
      this.#line(
        `   ${name.padEnd(width)} ${address.padEnd(24)} ${voting ? 'takes part' : 'watches, holds nothing of any case'}`,
      )
    }
    this.#line()
    this.#text(`The register's id, which is all that anyone needs in order to check everything below: ${register}`, 3)
  }

  playedCase({ document, members }: Network, { scenario, steps, holdings }: PlayedCase): void {
    this.#heading(scenario.title)
    this.#text(scenario.about, 3)
    this.#line()
    for (const [place, { step, entry, time, calculated }] of steps.entries()) {
      const { title, form = [] } = getStep(document, step.step)
      const member = members.get(scenario.members[step.by]!)!.name
      const role = inEnglish(document.roles.find(({ id }) => id === step.by)!.title)
      const who = step.by === 'applicant' ? `${role}, through ${member}` : member
      this.#text(`${place + 1}. ${timeText(time)}  ${inEnglish(title)}${actOf(step)} (${who})`, 3)
      if (step.kind !== 'action') continue
      const shown = [...(holdings.shown.get(entry) ?? [])].map(([place, count]) => {
        return `${placeName(document.roles, place)} (${count})`
      })
      this.#text(`fields shown to: ${shown.length === 0 ? 'nobody else' : shown.join(', ')}`, 6)
      const computed = split(calculated).map(([field, value]) => {
        return `${labelOf(form, field) ?? field}: ${String(value)}`
      })
      if (computed.length > 0) this.#text(`worked out: ${computed.join('; ')}`, 6)
    }
    this.#text(scenario.expected.ended ? 'The case is closed.' : 'The case goes on.', 3)
  }

  /** Who holds which field of a case. */
  matrix({ document }: Network, { members }: Story, { scenario, holdings }: PlayedCase): void {
    this.#heading(`Who saw what in "${scenario.title}"`)
    this.#text(
      'Read from each node with that node\'s own keys. "wrote": recorded it; "saw": was shown it; ".": holds nothing, and could not ' +
        "open it. The National Insurance number lies in the council's node under the applicant's key alone.",
      3,
    )
    this.#line()
    const places = [...holdings.seen.keys()]
    const letterOf = (place: string) => String.fromCharCode('A'.charCodeAt(0) + places.indexOf(place))
    for (const place of places) {
      const name = placeName(document.roles, place)
      const member = members.find(({ id }) => id === (scenario.members[place] ?? place))!.name
      this.#line(`   ${letterOf(place)}  ${[place, member].includes(name) ? member : `${name} (${member})`}`)
    }
    this.#line()
    this.#line(`   ${''.padEnd(FIELD)}${places.map((place) => letterOf(place).padEnd(COLUMN)).join('')}`.trimEnd())
    let counted = 0
    for (const { id, title } of document.steps) {
      const fields = [...holdings.seen.values(), ...holdings.own.values()].flatMap((held) => [...held.keys()])
      const own = [...new Set(fields)].filter((field) => field.startsWith(`${id}:`)).sort()
      if (own.length === 0) continue
      this.#line(`   ${inEnglish(title)}`)
      for (const field of own) {
        const marks = places.map((place) => {
          if (holdings.own.get(place)?.has(field) === true) return 'wrote'
          return holdings.seen.get(place)?.has(field) === true ? 'saw' : '.'
        })
        this.#line(
          `     ${field.slice(id.length + 2).padEnd(FIELD - 2)}${marks.map((mark) => mark.padEnd(COLUMN)).join('')}`.trimEnd(),
        )
        counted += 1
      }
    }
    this.#line()
    this.#text(`${counted} fields. This case and the others were held against what their scenarios say.`, 3)
  }

  evidence({ document, register }: Network, folder: string, evidence: readonly Evidence[]): void {
    this.#heading('Anyone can check it: evidence, verified offline')
    this.#text(
      'Each file proves who signed what and when, that the others have cosigned it, and nothing but the fields that it shows.',
      3,
    )
    this.#line()
    for (const { scenario, step, fields, index, signer, cosigners } of evidence) {
      const title = inEnglish(getStep(document, step).title)
      const proven = `entry ${index}, signed by ${signer}, cosigned by ${cosigners}, ${fields} fields: verified`
      this.#text(`- ${scenario}, "${title}": ${proven}`, 3)
    }
    const [first] = evidence
    if (first === undefined) return
    this.#line()
    this.#text("A file and the register's id are enough. Try it:", 3)
    this.#command(`verify ${join(folder, first.file)} \\`)
    this.#line(`       --register ${register}`)
  }

  attacks(): void {
    this.#heading('Attacks, each from outside: with valid tokens and keys, or on files')
  }

  attack(number: number, { title, why, attempts }: PlayedAttack): void {
    this.#line()
    this.#text(`${String(number).padStart(2)}. ${title}`, 3)
    for (const { what, expected, got } of attempts) {
      this.#text(`${what}: ${got}${got === expected ? '' : `   <-- FAILED, expected ${expected}`}`, 7)
    }
    this.#text(why, 7)
  }

  audits({ members }: Network, folder: string, audits: readonly MemberAudit[]): void {
    this.#heading('Every member audits its own copy, from the first entry on')
    for (const { member, audit } of audits) {
      this.#line(
        `   ${members.get(member)!.name.padEnd(widthOfNames(members))} ${audit.size} entries, ${audit.committed} committed: passed`,
      )
    }
    const [first] = audits
    if (first === undefined) return
    const { size, root, quorum, operators } = first.audit
    this.#line()
    this.#text(`All hold the same ${size} entries, with the root ${root}; ${quorum} of ${operators} must cosign.`, 3)
    this.#text("Everything is kept. Audit the council's register, and the copy of it with the edited byte:", 3)
    this.#command(`audit --data ${join(folder, 'council')}`)
    this.#command(`audit --data ${join(folder, 'edited')}`)
  }

  storyEnding(laps: readonly Lap[], failures: readonly string[]): void {
    this.#line()
    this.#text(`Time: ${laps.map((lap) => `${lap.part} ${lap.seconds.toFixed(1)} s`).join(', ')}.`, 3)
    for (const failure of failures) this.#text(`FAILED: ${failure}`, 3)
  }

  ending(seconds: number, failures: readonly string[]): void {
    this.#line()
    this.#line()
    if (failures.length === 0) {
      this.#line(`Everything came out as it must, in ${seconds.toFixed(1)} s.`)
      return
    }
    this.#line(`FAILED, in ${seconds.toFixed(1)} s:`)
    for (const failure of failures) this.#text(`- ${failure}`, 3)
  }

  #heading(title: string): void {
    this.#section += 1
    this.#line()
    this.#line()
    this.#line(`${this.#section}. ${title}`)
    this.#line()
  }

  #command(rest: string): void {
    this.#line(`     node bin/concordat.js ${rest}`)
  }

  #line(text = ''): void {
    this.#write(`${text}\n`)
  }

  #text(text: string, indent: number): void {
    for (const line of wrapped(text, WIDTH - indent)) this.#line(`${' '.repeat(indent)}${line}`)
  }
}

/** Lines after the first stand two columns in. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const next = line === '' ? word : `${line} ${word}`
    if (next.length <= width || line === '') line = next
    else {
      lines.push(line)
      line = `  ${word}`
    }
  }
  return [...lines, line]
}

/** What is done at a step besides taking it. */
function actOf(step: ScenarioStep): string {
  switch (step.kind) {
    case 'action':
      return step.corrects ? ': corrected' : ''
    case 'confirm':
      return step.accept ? ': countersigned' : ': not countersigned'
    case 'dispute':
      return ': disputed'
    case 'resolve':
      return `: dispute ${step.outcome}`
    case 'lapse':
      return ': the deadline has passed'
    case 'extend':
      return ': more time'
  }
}

/** The words of a field on its form, wherever it is grouped. */
function labelOf(form: readonly FormItem[], field: string): string | undefined {
  for (const item of form) {
    if ('group' in item) {
      const label = labelOf(item.items, field)
      if (label !== undefined) return label
    } else if (item.field === field) {
      return inEnglish(item.label)
    }
  }
  return undefined
}

function widthOfNames(members: Network['members']): number {
  return Math.max(...[...members.values()].map(({ name }) => name.length))
}

function placeName(roles: Network['document']['roles'], place: string): string {
  const role = roles.find(({ id }) => id === place)
  return role === undefined ? place : inEnglish(role.title)
}

function inEnglish(text: Text): string {
  return textIn(text, 'en')
}

function timeText(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().replace('T', ' ').slice(0, 16)
}
