export const settingsTexts = {
  what: 'the workspace',
  workspace: {
    title: 'Workspace',
    name: 'Name',
    id: 'Id, which stays',
    made: 'Made',
    rename: 'Rename',
    renamed: (name: string) => `The workspace is ${name} now.`,
  },
  look: {
    title: 'How things are shown',
    kept: 'Kept in this browser.',
    theme: 'Colours',
    keys: 'Single-letter keys',
    keysHint:
      'j and k in tables, g and a letter for places, / for the search, ? for help. Ctrl or ⌘ with K opens the palette either way.',
    zone: 'Times are shown in',
    units:
      'Amounts of data are in KiB, MiB and GiB, steps of 1,024 bytes. Where networks count, bits are beside them: Mbit/s, steps of a thousand.',
  },
  take: {
    title: 'Take it along',
    says: 'All of the workspace but its secrets, as one JSON object a line: what is configured, what migrations came to, the audit log.',
    deed: 'Export the workspace',
  },
  about: {
    title: 'About',
    version: 'Version',
    api: 'API, as an OpenAPI document',
    licence: 'Licence',
    licenceName: 'Apache 2.0',
  },
  you: {
    title: 'You',
    person: (name: string, email: string | null) => (email ? `${name}, ${email}` : name),
    signOut: 'Sign out',
    machine:
      'This tab has the address that “dray up” printed, and speaks for the machine. Forgetting it closes this tab’s way in; the address stays good.',
    forget: 'Forget it here',
  },
  remove: {
    title: 'Delete the workspace',
    says: 'For good and at once: running passes are cancelled, agents sent away, migrations with their reports, connections, members and tokens deleted. What is in your stores stays as it is.',
    deed: 'Delete this workspace',
    ask: (name: string) => `Delete the workspace ${name}?`,
    not: 'Only an owner may do that.',
    gone: 'The workspace is deleted.',
  },
} as const
