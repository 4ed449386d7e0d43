import { SlipwayError } from '#shared/errors.ts';
import { BUILD_MINUTES, EngineOptions, type EngineOptionsView } from '#shared/model/options.ts';
import type { Store } from './store/store.ts';

const DEFAULTS: EngineOptions = {
  restartPolicy: 'short',
  dailyCycling: false,
  buildMinutes: BUILD_MINUTES,
};

/** What a person can set for all apps while the engine runs; survives it. */
export class Options {
  private readonly store: Store;
  private readonly fixed: Partial<EngineOptions>;
  private known: EngineOptionsView;

  /** @param fixed what the environment has set for this start */
  constructor(store: Store, fixed: Partial<EngineOptions>) {
    this.store = store;
    this.fixed = fixed;
    this.known = this.read();
  }

  /** From memory: the dyno manager asks with every turn. */
  get(): EngineOptionsView {
    return this.known;
  }

  /** @throws SlipwayError `invalid_params` for an option that the environment has set */
  set(
    change: { readonly [Name in keyof EngineOptions]?: EngineOptions[Name] | undefined },
  ): EngineOptionsView {
    const held = EngineOptions.keyof().options.find(
      (name) => change[name] !== undefined && this.fixed[name] !== undefined,
    );
    if (held !== undefined) {
      throw new SlipwayError(
        'invalid_params',
        `${held} is set by the environment that Slipway was started with. Start it without SLIPWAY_RESTART to set it here.`,
      );
    }
    this.store.atomically(() => {
      for (const [name, value] of Object.entries(change)) {
        if (value !== undefined) this.store.setOption(name, value);
      }
    });
    this.known = this.read();
    return this.known;
  }

  /** Options that were never set, or that an older version wrote in another way, are the defaults. */
  private read(): EngineOptionsView {
    const known = this.store.options();
    const kept = Object.entries(EngineOptions.shape).flatMap(([name, schema]) => {
      const parsed = schema.safeParse(known[name]);
      return parsed.success ? [[name, parsed.data]] : [];
    });
    const fixed = EngineOptions.keyof().options.filter((name) => this.fixed[name] !== undefined);
    return { ...DEFAULTS, ...(Object.fromEntries(kept) as Partial<EngineOptions>), ...this.fixed, fixed };
  }
}
