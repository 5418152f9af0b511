/** What lies over every page when it is called for: the palette, the keys, and the word that one is signed out. The first two are fetched then. */
import { useLocation, useRouter } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { machineToken } from '../machine-token.ts'
import { paletteCalled, wasPaletteCalled } from './key-choice.ts'
import { listen, placeKeys } from './keys.ts'
import { useMay } from './may.ts'
import { hasLostSession, watchSession, wayBack } from './signed-out.ts'
import { keyTexts } from './texts/keys.ts'

const Palette = lazy(() => import('./palette.tsx'))
const KeyHelp = lazy(() => import('./key-help.tsx'))

/** `places`: paths below the workspace, and their names. */
export default function Overlays(props: {
  workspace: string
  places: readonly (readonly [string, string])[]
}) {
  const { workspace } = props
  const mayMake = useMay(workspace, 'migrations:write')
  const places = [...props.places, ...(mayMake ? [['/new-migration', keyTexts.newMigration] as const] : [])]
  const router = useRouter()
  const [open, setOpen] = useState<'palette' | 'help' | null>(null)
  const below = `/w/${workspace}`
  const go = (path: string) => router.history.push(path)
  useEffect(() => {
    const palette = () => wasPaletteCalled() && setOpen('palette')
    palette()
    addEventListener(paletteCalled, palette)
    const stop = listen({ open: setOpen, go: (path) => router.history.push(`${below}${path}`) })
    return () => {
      removeEventListener(paletteCalled, palette)
      stop()
    }
  }, [router, below])
  useHeadings()
  const close = () => setOpen(null)
  const letters = Object.entries(placeKeys).flatMap(([key, path]) => {
    const place = places.find(([one]) => one === path)
    return place ? [[key, place[1]] as const] : []
  })
  return (
    <>
      <Suspense fallback={null}>
        {open === 'palette' && (
          <Palette
            workspace={workspace}
            pages={places.map(([path, name]) => [`${below}${path}`, name])}
            go={go}
            close={close}
          />
        )}
        {open === 'help' && <KeyHelp places={letters} close={close} />}
      </Suspense>
      <SignedOut />
    </>
  )
}

/** Who goes to another page hears its heading. Tabs of one page keep the focus where it is. */
function useHeadings(): void {
  const { pathname } = useLocation()
  const last = useRef<Element | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: each time that one goes somewhere.
  useEffect(() => {
    let tries = 0
    const look = () => {
      const heading = document.querySelector<HTMLElement>('main h1')
      // The page may still be on its way.
      if ((heading === null || heading === last.current) && tries++ < 60) {
        frame = requestAnimationFrame(look)
        return
      }
      if (heading === null || heading === last.current) return
      const isFirst = last.current === null
      last.current = heading
      const focused = document.activeElement
      if (isFirst || (focused?.closest('main') && focused.isConnected && focused.tagName !== 'MAIN')) return
      heading.tabIndex = -1
      heading.focus({ preventScroll: true })
    }
    let frame = requestAnimationFrame(look)
    return () => cancelAnimationFrame(frame)
  }, [pathname])
}

function SignedOut() {
  const isOut = useSyncExternalStore(watchSession, hasLostSession)
  const texts = keyTexts.out
  const place = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (isOut) place.current?.showModal()
  }, [isOut])
  if (!isOut) return null
  return (
    <dialog ref={place} className="dialog" aria-labelledby="signed-out">
      <h2 id="signed-out">{texts.title}</h2>
      {machineToken() === null ? (
        <>
          <p>{texts.says}</p>
          <p>
            <a className="button" href={wayBack()}>
              {texts.deed}
            </a>
          </p>
        </>
      ) : (
        <p>{texts.machine}</p>
      )}
    </dialog>
  )
}
