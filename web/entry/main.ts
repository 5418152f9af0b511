/** The pages before the console: set-up, sign-in, invitation, and the confirmation of `dray login`. */
import '../no-eval.ts'
import { apply } from '../console/theme.ts'
import { element, show } from './dom.ts'
import { entryTexts } from './texts.ts'

apply()

// Who comes here is a person, or becomes one: the machine's token, which `dray up` gave this tab, would speak for them.
sessionStorage.removeItem('token')

const pages: Record<string, () => Promise<() => Promise<void>>> = {
  '/sign-in': async () => (await import('./sign-in.ts')).signInPage,
  '/setup': async () => (await import('./set-up.ts')).setUpPage,
  '/invitation': async () => (await import('./invitation.ts')).invitationPage,
  '/device': async () => (await import('./device.ts')).devicePage,
}

try {
  const page = await pages[location.pathname]?.()
  await page?.()
} catch (error) {
  const { message, hint } = error as { message: string; hint?: string | null }
  show(entryTexts.failed, element('p', { role: 'alert' }, [message, hint].filter(Boolean).join('. ')))
}
