/** A dyno's state in the dyno manager; `none` is before its start and after its end, `idle` the place of one while the app sleeps. */
type State = 'none' | 'idle' | 'starting' | 'up' | 'crashed' | 'stopping';

/** Every way from one state into another, and what takes it (reference: heroku-platform 3.1; docs/DYNOS.md draws it). */
export const TRANSITIONS: readonly { readonly from: State; readonly to: State; readonly why: string }[] = [
  { from: 'none', to: 'starting', why: 'wanted' },
  { from: 'none', to: 'idle', why: 'the app falls asleep' },
  { from: 'idle', to: 'none', why: 'the app wakes' },
  { from: 'starting', to: 'up', why: 'listens, or has run for a moment' },
  { from: 'starting', to: 'crashed', why: 'ended, not started, R10, R15' },
  { from: 'starting', to: 'stopping', why: 'no longer wanted, asleep' },
  { from: 'up', to: 'crashed', why: 'ended, R15' },
  { from: 'up', to: 'stopping', why: 'no longer wanted, replaced, asleep' },
  { from: 'crashed', to: 'none', why: 'a new one starts in its place, no longer wanted' },
  { from: 'stopping', to: 'none', why: 'ended, R12' },
];

/** Whether a dyno may go from one state into another. */
export function mayEnter(from: State, to: State): boolean {
  return TRANSITIONS.some((each) => each.from === from && each.to === to);
}
