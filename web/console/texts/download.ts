export const downloadTexts = {
  size: 'Made while it is read: its size is not known before.',
} as const
