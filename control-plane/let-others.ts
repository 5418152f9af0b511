/** Between two windows of long work: lets the object serve others. */
export const letOthers = () => new Promise<void>((resolve) => setTimeout(resolve, 0))
