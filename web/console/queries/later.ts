/** Milliseconds between two looks at what changes by itself, and of which no socket tells. */
export const later = 15_000
