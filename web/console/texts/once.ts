export const onceTexts = {
  once: 'It is shown this once: only a digest of it, or an encrypted copy, is kept.',
  done: 'I have kept it',
} as const
