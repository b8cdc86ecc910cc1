import type { ErrorDetail } from '../core/error.ts'

/** commander only has a sentence for it, which may repeat what was typed. */
export function misuseOf({ code, message }: { code: string; message: string }): ErrorDetail {
  const [named] = /--[a-z-]+/.exec(message) ?? []
  const option = named ?? ''
  switch (code) {
    case 'commander.help':
      return { code: 'COMMAND_UNKNOWN', expected: 'a command that --help lists', got: 'none' }
    case 'commander.unknownCommand':
      return { code: 'COMMAND_UNKNOWN', expected: 'a command that --help lists', got: 'another one' }
    case 'commander.unknownOption':
      return {
        code: 'OPTION_UNKNOWN',
        expected: "an option that the command's --help lists",
        got: named ?? 'another one',
      }
    case 'commander.missingMandatoryOptionValue':
      return { code: 'OPTION_MISSING', expected: 'the option with a value', got: 'none', option }
    case 'commander.optionMissingArgument':
      return { code: 'OPTION_INVALID', expected: 'a value after the option', got: 'none', option }
    case 'commander.missingArgument':
      return { code: 'ARGUMENTS_WRONG', expected: "the arguments that the command's --help lists", got: 'fewer' }
    case 'commander.excessArguments':
      return { code: 'ARGUMENTS_WRONG', expected: "the arguments that the command's --help lists", got: 'more' }
    default:
      return { code: 'OPTION_INVALID', expected: "what the command's --help lists", got: code, option }
  }
}
