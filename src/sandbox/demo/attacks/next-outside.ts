import { signAnswer } from './hand-signed.ts'
import { type Attack, memberOf, nameOf, playCase, type Stage, submitRaw } from './stage.ts'

export const nextOutside: Attack = {
  name: 'next-outside',
  title: (stage) => `A short cut: ${nameOf(stage, 'agency')} answers and sends the case past the decision`,
  why: () =>
    'Where a step may lead is on the register, agreed by all; which of these ways, the data say, and whoever sees them checks.',
  async run(stage) {
    const { scenario, asked: until, shortCut } = stage.cast
    const caseId = await playCase(stage, { scenario, until, key: 'next-outside' })
    return [
      {
        what: 'signed by hand, with a later step as the next one',
        expected: 'NEXT_NOT_ALLOWED',
        got: await answeredWith(stage, caseId, [shortCut]),
      },
      {
        what: 'signed by hand, with that step beside the decision',
        expected: 'NEXT_NOT_ALLOWED',
        got: await answeredWith(stage, caseId, ['decide', shortCut]),
      },
      {
        what: 'signed by hand, with nothing next, as if the case were over',
        expected: 'NEXT_NOT_ALLOWED',
        got: await answeredWith(stage, caseId, []),
      },
    ]
  },
}

async function answeredWith(stage: Stage, caseId: string, next: string[]): Promise<string> {
  const { submission } = await signAnswer(stage, caseId, { next })
  return submitRaw(stage, memberOf(stage, 'agency'), submission.jws)
}
