/** What is at a connection or a site, as an agent sees it: a folder at a time, by mouse or by keyboard, and how much is in one. */
import { useInfiniteQuery } from '@tanstack/react-query'
import { Box, Database, File, Folder, Link2 } from 'lucide-react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { BrowseEntry } from '../../../shared/api/browse.ts'
import type { NewMigration } from '../../../shared/api/migrations.ts'
import { noFilter } from '../../../shared/policy.ts'
import { bytes, count } from '../format.ts'
import { plain } from '../hostile.ts'
import { Bytes } from '../parts/bytes.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { More } from '../parts/more.tsx'
import { Refusal } from '../parts/notice.tsx'
import { Time } from '../parts/time.tsx'
import { browsed, type Looked } from '../queries/browse.ts'
import { newMigrationTexts } from '../texts/new-migration.ts'
import { useScan } from './scanning.ts'

const texts = newMigrationTexts.browse

/** What can be walked: a connection with its buckets, one bucket, or the directories of a site. */
export interface Ground {
  readonly name: string
  /** Above a bucket is the list of buckets. */
  readonly hasBuckets: boolean
  /** What every path begins with: `/` of directories, else nothing. */
  readonly root: '' | '/'
  looked(spot: Spot): Looked
}
export interface Spot {
  readonly bucket: string | null
  /** Of a store, a prefix; else an absolute path. Ends in `/`, or is empty. */
  readonly path: string
}

const icons = { bucket: Database, folder: Folder, object: File, symlink: Link2, special: Box }

export function BrowseDialog(props: {
  workspace: string
  open: boolean
  ground: Ground
  start: Spot
  take(spot: Spot): void
  close(): void
}) {
  return (
    <Dialog open={props.open} close={props.close} title={texts.title(props.ground.name)} wide>
      <Browse {...props} />
    </Dialog>
  )
}

function Browse({ workspace, ground, start, take, close }: Parameters<typeof BrowseDialog>[0]) {
  const [spot, go] = useState(start)
  const isBuckets = ground.hasBuckets && spot.bucket === null
  const asked = useInfiniteQuery(browsed(workspace, ground.looked(spot)))
  const entries = asked.data?.pages.flatMap((page) => page.entries) ?? []
  const by = asked.data?.pages[0]
  const up = above(ground, spot)
  const enter = (entry: BrowseEntry) => {
    if (entry.kind === 'bucket') go({ bucket: entry.name, path: '' })
    else if (canEnter(entry)) go({ bucket: spot.bucket, path: spot.path + entry.name })
  }
  return (
    <>
      <Crumbs ground={ground} spot={spot} go={go} />
      <Listing
        key={`${spot.bucket}\0${spot.path}`}
        label={texts.listing}
        entries={entries}
        busy={asked.isPending}
        enter={enter}
        up={up && (() => go(up))}
      />
      <div className="row between">
        <span className="quiet small" role="status">
          {asked.isPending
            ? texts.looking
            : asked.error
              ? ''
              : entries.length === 0
                ? texts.empty
                : texts.shown(count(entries.length), asked.hasNextPage, by?.agent ?? '')}
        </span>
        <More of={asked} />
      </div>
      {asked.error && (
        <>
          <Refusal of={asked.error} />
          <p className="quiet small">{texts.byHand}</p>
        </>
      )}
      {!isBuckets && <Size key={`${spot.bucket} ${spot.path}`} {...{ workspace, ground, spot }} />}
      <p className="quiet small by-keys">{texts.keys}</p>
      <div className="deeds">
        <button type="button" onClick={close}>
          {texts.cancel}
        </button>
        <button type="button" className="primary" disabled={isBuckets} onClick={() => take(spot)}>
          {spot.path === '' ? texts.takeBucket : texts.take}
        </button>
      </div>
    </>
  )
}

/** A name that is no text cannot be asked for. */
const canEnter = ({ kind, nameEscaped }: BrowseEntry) =>
  kind === 'bucket' || (kind === 'folder' && nameEscaped === undefined)

function above({ hasBuckets, root }: Ground, { bucket, path }: Spot): Spot | null {
  if (path !== root) return { bucket, path: path.replace(/[^/]*\/$/, '') }
  return hasBuckets && bucket !== null ? { bucket: null, path: '' } : null
}

/** The way here, each part of it a way back. */
function Crumbs({ ground, spot, go }: { ground: Ground; spot: Spot; go(spot: Spot): void }) {
  const { bucket, path } = spot
  const { root } = ground
  const names = path.slice(root.length).split('/').slice(0, -1)
  const ways: { name: string; spot: Spot }[] = [
    { name: ground.name, spot: { bucket: ground.hasBuckets ? null : bucket, path: root } },
    ...(ground.hasBuckets && bucket !== null ? [{ name: bucket, spot: { bucket, path: '' } }] : []),
    ...names.map((name, i) => ({
      name,
      spot: { bucket, path: `${root}${names.slice(0, i + 1).join('/')}/` },
    })),
  ]
  return (
    <nav aria-label={texts.way} className="crumbs">
      <ol>
        {ways.map(({ name, spot }, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the place in the way is what it is.
          <li key={i}>
            {i === ways.length - 1 ? (
              <bdi aria-current="location">{plain(name) || '/'}</bdi>
            ) : (
              <button type="button" className="bare" onClick={() => go(spot)}>
                <bdi>{plain(name) || '/'}</bdi>
              </button>
            )}
          </li>
        ))}
      </ol>
    </nav>
  )
}

function Listing(props: {
  label: string
  entries: readonly BrowseEntry[]
  busy: boolean
  enter(entry: BrowseEntry): void
  up: (() => void) | null
}) {
  const { entries, enter, up } = props
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const [at, setAt] = useState(0)
  // Another folder is another list: the keyboard goes on in it.
  useEffect(() => list.current?.focus({ preventScroll: true }), [])
  const move = (to: number) => {
    const next = Math.max(0, Math.min(entries.length - 1, to))
    setAt(next)
    list.current?.children[next]?.scrollIntoView({ block: 'nearest' })
  }
  const press = (event: KeyboardEvent) => {
    const to: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + 10,
      PageUp: at - 10,
      Home: 0,
      End: entries.length - 1,
    }
    const next = to[event.key]
    if (next !== undefined) move(next)
    else if (event.key === 'Enter' && entries[at]) enter(entries[at])
    else if (event.key === 'Backspace' && up) up()
    else return
    event.preventDefault()
  }
  return (
    <div
      className="listing"
      role="listbox"
      aria-label={props.label}
      aria-busy={props.busy}
      aria-activedescendant={entries.length > 0 ? `${id}-${at}` : undefined}
      ref={list}
      tabIndex={0}
      onKeyDown={press}
    >
      {entries.map((entry, i) => {
        const Icon = icons[entry.kind]
        return (
          // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: the list has the focus, and the keys.
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: names need not be different, where they are no text.
            key={i}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === at}
            aria-disabled={!canEnter(entry)}
            onClick={() => {
              setAt(i)
              enter(entry)
            }}
          >
            <Icon size={16} aria-label={texts.kinds[entry.kind]} />
            <bdi className="mono name" dir="ltr">
              {plain(entry.name) || texts.marker}
            </bdi>
            <span className="quiet">{entry.storageClass ?? ''}</span>
            <span className="quiet figure">{entry.bytes !== null && <Bytes of={entry.bytes} />}</span>
            <span className="quiet date">{entry.modifiedAt !== null && <Time at={entry.modifiedAt} />}</span>
          </div>
        )
      })}
    </div>
  )
}

/** How much is below a folder: counted on demand, to the end or until it is stopped. */
function Size({ workspace, ground, spot }: { workspace: string; ground: Ground; spot: Spot }) {
  const looked = ground.looked(spot)
  const location = ('location' in looked ? looked.location : null) as NewMigration['source'] | null
  const scan = useScan(workspace, location && { location, filter: noFilter }, { first: false })
  return (
    <div className="row size">
      {scan.state === 'running' ? (
        <button type="button" onClick={scan.stop}>
          {texts.stop}
        </button>
      ) : (
        scan.state !== 'done' && (
          <button type="button" onClick={scan.go}>
            {scan.sum ? texts.countOn : texts.count}
          </button>
        )
      )}
      <span role="status">
        {scan.sum
          ? texts.size(count(scan.sum.taken.objects), bytes(scan.sum.taken.bytes), scan.state)
          : scan.state === 'running'
            ? texts.counting
            : ''}
      </span>
      <Refusal of={scan.error} />
    </div>
  )
}
