/** What the form that seals a secret says; its labels are in seal.html. */
export const sealTexts = {
  none: 'No connection has a sealed secret. Create one: dray connection create.',
  aws: 'AWS',
  /** Its fingerprint comes after it. */
  site: (id: string, agents: string) => `${id}: ${agents}. Root key `,
  noAgents: 'None of its agents is certified by the root key of its site.',
  left: (agents: string) => `Not certified by the root key of their site, and left out: ${agents}.`,
  sealed: (version: number, connection: string, agents: string) =>
    `Sealed version ${version} of the secret of ${connection} to ${agents}.`,
  noKeys: 'That is no access key: letters, digits and signs, without spaces.',
  unforeseen: (what: string) => `That did not work: ${what}`,
} as const
