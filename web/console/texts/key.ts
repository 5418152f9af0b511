export const keyTexts = {
  copy: 'Copy the key',
  copied: 'Copied.',
  notCopied: 'The browser did not copy it. Select the text, and copy it by hand.',
  whole: (characters: string) => `Show all ${characters} characters`,
  less: 'Show less',
  rest: (characters: string) => `… and ${characters} characters more, which copying and downloads have.`,
} as const
