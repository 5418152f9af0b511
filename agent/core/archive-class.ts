/** Classes of storage whose objects must be restored before they can be read. A tiered object may have to be too, which only reading it tells. */
const archiveClasses = new Set(['GLACIER', 'DEEP_ARCHIVE'])

export const isArchiveClass = (name: string | undefined): boolean =>
  name !== undefined && archiveClasses.has(name)
