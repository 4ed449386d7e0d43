/** Where the engine tells of itself; not an app's log. Never gets a secret. */
export interface Diagnostics {
  /** Something worth knowing when looking into a fault. */
  note(text: string): void;
  /** Something that should not have happened. */
  problem(what: string, error: unknown): void;
}
