let n = 0
export const held = (more: number) => {
  n += more
}
export const count = () => n
