/** The secret part of a link: out of the address bar at once, kept in this tab over a detour to the sign-in. */
export function fromFragment(name: string): string | null {
  const given = location.hash.slice(1)
  if (given) {
    sessionStorage.setItem(name, given)
    history.replaceState(null, '', `${location.pathname}${location.search}`)
  }
  return sessionStorage.getItem(name)
}
