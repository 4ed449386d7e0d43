import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal as Xterm } from '@xterm/xterm';
import { type ReactElement, useEffect, useRef, useState } from 'react';
import { call, openStream } from '../state/connection.ts';
import css from './console-screen.module.css';
import { keepStylesInSheets } from './style-sheets.ts';

keepStylesInSheets();

const THEME = {
  background: '#0f1116',
  foreground: '#f2f4f8',
  cursor: '#a79bff',
  selectionBackground: '#3d3a66',
};

/** A terminal that a one-off dyno is attached to for as long as it is on screen. */
export default function Terminal({
  app,
  command,
}: {
  readonly app: string;
  readonly command: string;
}): ReactElement {
  const box = useRef<HTMLDivElement>(null);
  const [state, setState] = useState('Starting a dyno');
  useEffect(() => {
    if (box.current === null) return undefined;
    const stop = new AbortController();
    const term = new Xterm({
      fontFamily: '"JetBrains Mono Variable", monospace',
      fontSize: 13,
      theme: THEME,
      screenReaderMode: true,
      cursorBlink: false,
    });
    const fit = new FitAddon();
    term.loadAddon(fit);
    term.open(box.current);
    leaveByKeys(term);
    fit.fit();
    const resize = new ResizeObserver(() => {
      fit.fit();
    });
    resize.observe(box.current);
    term.focus();
    void attach(term, app, command, stop.signal, setState);
    return () => {
      stop.abort();
      resize.disconnect();
      term.dispose();
    };
  }, [app, command]);
  return (
    <>
      <div ref={box} className={css['terminal']} role="group" aria-label={`Terminal: ${command}`} />
      <p className={css['note']}>
        <span role="status">{state}</span>
        <span>Ctrl+Shift+Escape leaves the terminal.</span>
      </p>
    </>
  );
}

/** A way out of the terminal by keys: it takes Tab and Escape for itself (WCAG 2.1.2). */
function leaveByKeys(term: Xterm): void {
  term.attachCustomKeyEventHandler((event) => {
    if (!(event.key === 'Escape' && event.ctrlKey && event.shiftKey)) return true;
    document.querySelector<HTMLElement>('[aria-label="Command"]')?.focus();
    return false;
  });
}

async function attach(
  term: Xterm,
  app: string,
  command: string,
  signal: AbortSignal,
  tell: (state: string) => void,
): Promise<void> {
  let run: string | null = null;
  const send = (text: string): void => {
    if (run !== null) void call('runs.input', { run, text }).catch(() => undefined);
  };
  term.onData(send);
  term.onResize(({ cols, rows }) => {
    if (run !== null) void call('runs.resize', { run, columns: cols, rows }).catch(() => undefined);
  });
  try {
    for await (const events of openStream(
      'runs.open',
      { app, command, columns: term.cols, rows: term.rows },
      signal,
    )) {
      for (const event of events) {
        if (event.kind === 'started') {
          run = event.run;
          tell(`${event.dyno} runs v${event.release}`);
        } else if (event.kind === 'output') term.write(event.text);
        else {
          run = null;
          tell(event.code === 0 ? 'The command ended.' : `The command ended with code ${event.code}.`);
        }
      }
    }
  } catch (error) {
    if (!signal.aborted) tell(error instanceof Error ? error.message : String(error));
  }
}
