import { randomDigest } from '../register-builder.ts'
import type { NaiveRegister, Wish } from './naive-register.ts'
import type { RandomSource } from './random-source.ts'

/** The same entry with one thing changed, which makes it wrong more often than not. */
export function mutated(random: RandomSource, register: NaiveRegister, members: readonly string[], wish: Wish): Wish {
  const changed = structuredClone(wish)
  const roles = ['alpha', 'beta', 'delta', 'gamma', 'nobody', 'person']
  const ids = [
    ...register.caseIds.flatMap((id) => register.now(id)!.whole.facts.map((fact) => fact.id)),
    randomDigest(),
  ]
  const steps = ['s1', 's2', 's3', 's4', 's5', 's6', 's99']
  const id = () => random.pick(ids)
  const prev = () => random.pick([[], [id()], [...new Set([id(), id()])].sort()])
  const changes: (() => void)[] = [
    () => {
      changed.iss = random.pick(members)
    },
    () => {
      changed.claims.bp = random.pick([...register.versions.keys(), randomDigest()])
    },
  ]
  if (changed.kind !== 'suspend') {
    const { claims } = changed
    if ('as' in claims) {
      changes.push(() => {
        claims.as = random.pick(roles)
      })
    }
    changes.push(() => {
      claims.case = random.pick([...register.caseIds, 'A'.repeat(21).concat('A')])
    })
  }
  switch (changed.kind) {
    case 'action+sd-jwt': {
      const { claims } = changed
      changes.push(
        () => {
          claims.step = random.pick(steps)
        },
        () => {
          claims.prev = prev()
        },
        () => {
          claims.next = random.sample(steps.slice(0, 6), random.between(0, 2))
        },
        () => {
          claims.replaces = claims.replaces === null ? id() : null
        },
        () => {
          claims.bind[random.pick(roles)] = { member: random.pick(members) }
        },
        () => {
          delete claims.bind[random.pick(Object.keys(claims.bind).concat('nobody'))]
        },
        () => {
          claims.groups.push(randomDigest())
        },
        () => {
          claims._sd = [...claims._sd, ...Array.from({ length: 8 }, randomDigest)].sort()
        },
      )
      break
    }
    case 'confirm':
    case 'dispute': {
      const { claims } = changed
      changes.push(() => {
        claims.record = id()
      })
      break
    }
    case 'resolve': {
      const { claims } = changed
      changes.push(
        () => {
          claims.dispute = id()
        },
        () => {
          claims.outcome = random.pick(['withdrawn', 'settled', 'upheld', 'rejected'])
          claims.correction = claims.outcome === 'settled' ? id() : null
        },
      )
      break
    }
    case 'extend': {
      const { claims } = changed
      changes.push(
        () => {
          claims.step = random.pick(steps)
        },
        () => {
          claims.prev = prev()
        },
        () => {
          claims.until += random.between(-200_000, 200_000)
        },
      )
      break
    }
    case 'lapse': {
      const { claims } = changed
      changes.push(() => {
        claims.what = random.pick([
          { type: 'confirm', record: id() },
          { type: 'dispute', dispute: id() },
          { type: 'opening', step: random.pick(steps), prev: prev(), next: [] },
        ])
      })
      if (claims.what.type === 'opening') {
        const { what } = claims
        changes.push(() => {
          what.next = random.sample(steps.slice(0, 6), random.between(0, 2))
        })
      }
      break
    }
    case 'recall': {
      const { claims } = changed
      changes.push(() => {
        claims.records[id()] = [random.between(1, 3)]
      })
      break
    }
    case 'erased': {
      const { claims } = changed
      changes.push(() => {
        claims.recall = id()
        claims.opened = random.chance(0.5)
      })
      break
    }
    case 'suspend': {
      const { claims } = changed
      changes.push(() => {
        claims.roles = random.sample(roles, random.between(1, 2))
      })
    }
  }
  random.pick(changes)()
  return changed
}
