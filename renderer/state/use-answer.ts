import { useEffect, useState } from 'react';
import type { CallName, InputOf, OutputOf } from '#shared/contract/contract.ts';
import { SlipwayError } from '#shared/errors.ts';
import { call } from './connection.ts';
import { useWorld } from './world.ts';

/** The engine's answer to a question that a component asks; the old one stays while a new one is on its way. */
export interface Answer<Name extends CallName> {
  readonly value: OutputOf<Name> | null;
  /** Why there is none, in plain words. */
  readonly problem: string | null;
  readonly reload: () => void;
}

/**
 * Asks the engine, and again when the input or `version` changes, on `reload`, and once a lost connection is back.
 * @param input null asks nothing
 */
export function useAnswer<Name extends CallName>(
  name: Name,
  input: InputOf<Name> | null,
  version: unknown = null,
): Answer<Name> {
  const connected = useWorld((world) => world.connection === 'open');
  const [round, setRound] = useState(0);
  const [state, setState] = useState<{ key: string; value: OutputOf<Name> | null; problem: string | null }>({
    key: '',
    value: null,
    problem: null,
  });
  const key = input === null ? null : JSON.stringify(input);
  useEffect(() => {
    if (key === null || !connected) return undefined;
    let stale = false;
    call(name, JSON.parse(key) as InputOf<Name>).then(
      (value) => {
        if (!stale) setState({ key, value, problem: null });
      },
      (error: unknown) => {
        if (stale || (error instanceof SlipwayError && error.code === 'disconnected')) return;
        setState({ key, value: null, problem: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => {
      stale = true;
    };
  }, [name, key, connected, version, round]);
  const fits = state.key === key;
  return {
    value: fits ? state.value : null,
    problem: fits ? state.problem : null,
    reload: () => {
      setRound((before) => before + 1);
    },
  };
}
