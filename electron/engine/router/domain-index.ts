/** Finds whose a host name is: an exact one first, else the wildcard (`*.example.com`) that is nearest above it. */
export class DomainIndex<Owner> {
  readonly #exact = new Map<string, Owner>();
  /** By what is behind `*.`. */
  readonly #wildcards = new Map<string, Owner>();

  /** Replaces the names of an owner. */
  set(owner: Owner, names: readonly string[]): void {
    for (const map of [this.#exact, this.#wildcards]) {
      for (const [name, each] of map) if (each === owner) map.delete(name);
    }
    for (const name of names) {
      if (name.startsWith('*.')) this.#wildcards.set(name.slice(2), owner);
      else this.#exact.set(name, owner);
    }
  }

  /** @param host in lower case, without port */
  find(host: string): Owner | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined || this.#wildcards.size === 0) return exact;
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const owner = this.#wildcards.get(host.slice(dot + 1));
      if (owner !== undefined) return owner;
    }
    return undefined;
  }
}
