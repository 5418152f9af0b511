/** What the pages before the console say, in one place. */
export const entryTexts = {
  tab: (title: string) => `${title} · Dray`,
  failed: 'That did not work',
  unreachable: 'The control plane does not answer. Try again.',
  tooMany: 'Too many attempts. Wait a minute, then try again.',
  answered: (status: number) => `The control plane answered ${status}`,
  email: 'E-mail',
  signIn: {
    title: 'Sign in',
    empty: 'Nobody is here yet: open the set-up link that “dray up” or the deployment printed.',
    passkey: 'Sign in with a passkey',
    noPasskeys: 'Passkeys need an address with a name, and https.',
    password: 'Password',
    deed: 'Sign in',
  },
  code: {
    title: 'Your code',
    field: 'From your authenticator, or a backup code',
    deed: 'Sign in',
  },
  single: {
    deed: (provider: string) => `Continue with ${provider}`,
    notLinked: 'Somebody of this address signs in here in another way: use that.',
    notInvited: 'Nobody has invited this address.',
    failed: 'The single sign-on did not work. Try again, or ask whoever runs it.',
  },
  passkey: {
    notUsed: 'The passkey was not used: cancelled, or it took too long.',
    none: 'The browser has no passkey for this.',
  },
  setUp: {
    title: 'Set up Dray',
    says: 'You are its first owner: you invite the others.',
    not: {
      title: 'Set up',
      noToken: 'The link is not whole: its end is missing.',
      done: 'This control plane has its first owner already.',
      signIn: 'Sign in',
    },
  },
  invitation: {
    title: 'Invitation',
    says: (inviter: string, email: string, workspace: string, role: string) =>
      `${inviter} invites ${email} to the workspace ${workspace}, as ${role}.`,
    accept: 'Accept',
    signIn: (email: string) => `Sign in as ${email} to accept`,
  },
  newcomer: {
    name: 'Your name',
    password: 'A password of at least 12 characters',
    byPassword: 'Continue',
    byPasskey: 'Continue with a passkey',
    usePasskey: 'Use a passkey instead',
    usePassword: 'Use a password and an authenticator instead',
    noPasskeys: 'Passkeys need an address with a name, and https: there are none here.',
  },
  enrol: {
    title: 'One more thing',
    says: 'A password alone opens nothing here. Set up a passkey, or an authenticator beside the password.',
    passkey: 'Set up a passkey',
    password: 'Your password',
    authenticator: 'Set up an authenticator',
  },
  authenticator: {
    title: 'Your authenticator',
    /** One sentence, with the link in it. */
    app: ['Add Dray to an authenticator app: ', 'open it on this device', ', or type this key into it.'],
    backup: 'Keep these backup codes where you keep such things. Each works once, in place of a code:',
    code: 'The code that it shows now',
    deed: 'Done',
  },
  device: {
    title: 'Sign in the command line',
    compare:
      'Compare the code with the one that dray login shows. Whoever has it will be you, on their machine.',
    code: 'Code',
    deed: 'Continue',
    used: (status: string) => `This code was ${status} before. Run dray login again.`,
    ask: (code: string, name: string) =>
      `Did you run dray login yourself, and does it show ${code}? Then it goes on as ${name}.`,
    yes: 'Yes, sign it in',
    approved: 'Done: the command line goes on. You can close this page.',
    no: 'No',
    denied: 'Refused. Nobody was signed in.',
  },
} as const
