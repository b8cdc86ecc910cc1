import { alteredDisclosure } from './attacks/altered-disclosure.ts'
import { biasedAssessor } from './attacks/biased-assessor.ts'
import { contradictingRoute } from './attacks/contradicting-route.ts'
import { doubleSubmit } from './attacks/double-submit.ts'
import { earlyLapse } from './attacks/early-lapse.ts'
import { editedLeaf } from './attacks/edited-leaf.ts'
import { falseDispute } from './attacks/false-dispute.ts'
import { missingApproval } from './attacks/missing-approval.ts'
import { nextOutside } from './attacks/next-outside.ts'
import { outOfTurn } from './attacks/out-of-turn.ts'
import type { Attack, Cast } from './attacks/stage.ts'
import { stolenGrant } from './attacks/stolen-grant.ts'
import { twoValues } from './attacks/two-values.ts'
import { unconfirmed } from './attacks/unconfirmed.ts'
import { wrongMember } from './attacks/wrong-member.ts'

export interface DemoStory {
  /** Its folder in `examples`. */
  name: string
  /** What a newcomer should know of it. */
  about: string
  cast: Cast
  /** In this order: the last may let time pass. */
  attacks: readonly Attack[]
}

/** Of any process in which one member asks another. */
const ON_EVERY_STORY: readonly Attack[] = [
  outOfTurn,
  wrongMember,
  doubleSubmit,
  alteredDisclosure,
  twoValues,
  editedLeaf,
  stolenGrant,
  missingApproval,
  contradictingRoute,
  nextOutside,
]

export const DEMO_STORIES: readonly DemoStory[] = [
  {
    name: 'travel-card',
    about:
      'A disabled person applies for a travel card. A council decides, a benefits agency confirms, a bureau makes the card, a ' +
      'transport body pays, an auditor watches.',
    cast: {
      scenario: 'granted',
      refused: { scenario: 'refused', of: 'Calum' },
      asked: 'check-residence',
      answer: 'confirm-award',
      beside: [],
      otherAnswer: { companion: false },
      contradiction: { routeCode: 'NONE' },
      liedAbout: '/qualifies',
      latecomer: {
        role: 'transport',
        scenario: 'granted',
        after: ['decide', 'order', 'produce'],
        shownBy: 'report',
      },
      stranger: 'bureau',
      bystander: 'transport',
      thief: 'bureau',
      unasked: 'transport',
      shortCut: 'order',
    },
    attacks: ON_EVERY_STORY,
  },
  {
    name: 'blue-badge',
    about:
      'Somebody for whom walking or traffic is hard applies for a badge to park close by, for themselves or for a child. A benefits ' +
      'agency and a register of badges are asked at once, each for yes or no; whoever has no award that counts is assessed by an ' +
      'independent body; a panel decides disputes and reviews; the parking team learns a number and a date.',
    cast: {
      scenario: 'automatic',
      refused: { scenario: 'lapsed', of: 'Arjun' },
      asked: 'check-application',
      answer: 'check-award',
      beside: ['check-duplicate'],
      otherAnswer: { lastDay: '2030-05-31' },
      contradiction: { code: 'NONE' },
      liedAbout: '/qualifies',
      latecomer: {
        role: 'review-panel',
        scenario: 'second-badge',
        after: ['check-duplicate', 'decide', 'issue'],
        shownBy: 'request-review',
      },
      stranger: 'assessor',
      bystander: 'parking',
      thief: 'parking',
      unasked: 'parking',
      shortCut: 'issue',
    },
    attacks: [...ON_EVERY_STORY, falseDispute, earlyLapse, biasedAssessor, unconfirmed],
  },
]
