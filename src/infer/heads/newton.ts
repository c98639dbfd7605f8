// Newton's step in two parameters, kept short where the curve bends away from where it seems to lead.

/** Gradient and curvature of a loss in (a, b). */
export interface Bend {
  readonly ga: number
  readonly gb: number
  readonly haa: number
  readonly hab: number
  readonly hbb: number
}

/** What to take off (a, b), neither more than `most`; `whole` is the larger of the two before they were shortened. */
export function newtonStep({ ga, gb, haa, hab, hbb }: Bend, most: number): { a: number; b: number; whole: number } {
  const determinant = haa * hbb - hab * hab
  const a = (hbb * ga - hab * gb) / determinant
  const b = (haa * gb - hab * ga) / determinant
  const whole = Math.max(Math.abs(a), Math.abs(b))
  const shorter = Math.min(1, most / Math.max(whole, 1e-12))
  return { a: shorter * a, b: shorter * b, whole }
}
