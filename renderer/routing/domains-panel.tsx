import { Trash2 } from 'lucide-react';
import { type FormEvent, type ReactElement, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import { DomainName, resolvesByItself } from '#shared/model/domain.ts';
import { attempt } from '../actions/app-actions.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { call } from '../state/connection.ts';
import { useAnswer } from '../state/use-answer.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import panel from '../ui/panel.module.css';
import css from './routing-screen.module.css';

/** Host names of the app: its own, and those that a person gave it. */
export function DomainsPanel({ app }: { readonly app: App }): ReactElement {
  const { value, problem, reload } = useAnswer('domains.list', { app: app.name }, app);
  const remove = (hostname: string): void => {
    void attempt(`${hostname} was not removed`, async () => {
      await call('domains.remove', { app: app.name, domain: hostname });
      reload();
    });
  };
  return (
    <section className={panel['panel']} aria-labelledby="domains-title">
      <PanelTitle id="domains-title" title="Domains" />
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      <ul aria-label="Domains">
        <li className={css['row']}>
          <code className={css['name']}>{new URL(app.webUrl).hostname}</code>
          <CopyButton text={app.webUrl} label="Copy URL" />
        </li>
        {value?.domains.map(({ id, hostname }) => (
          <li key={id} className={css['row']}>
            <code className={css['name']}>{hostname}</code>
            <IconButton
              label={`Remove ${hostname}`}
              onClick={() => {
                remove(hostname);
              }}
            >
              <Trash2 />
            </IconButton>
            <WayHere hostname={hostname} />
          </li>
        ))}
      </ul>
      <AddForm app={app.name} onAdded={reload} />
    </section>
  );
}

/** What has to be done so that a browser of this machine finds the name; nothing where it does so by itself. */
function WayHere({ hostname }: { readonly hostname: string }): ReactElement | null {
  if (resolvesByItself(hostname)) return null;
  const line = `127.0.0.1 ${hostname}`;
  if (hostname.startsWith('*.'))
    return (
      <p className={css['note']}>
        Each name below it has to lead to this machine: by a line in its hosts file, or by your DNS.
      </p>
    );
  return (
    <p className={css['note']}>
      For this machine’s hosts file:{' '}
      <span className={panel['command']}>
        <code>{line}</code>
        <CopyButton text={line} label={`Copy hosts line of ${hostname}`} />
      </span>
    </p>
  );
}

function AddForm(props: { readonly app: string; readonly onAdded: () => void }): ReactElement {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const checked = DomainName.safeParse(text);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!checked.success) return;
    setBusy(true);
    void attempt(`${checked.data} was not added`, async () => {
      await call('domains.add', { app: props.app, hostname: checked.data });
      setText('');
      props.onAdded();
    }).finally(() => {
      setBusy(false);
    });
  };
  return (
    <form className={css['form']} onSubmit={submit} aria-label="Add domain">
      <input
        className={`${panel['field']} mono`}
        aria-label="Domain"
        placeholder="www.example.com or *.example.com"
        spellCheck={false}
        autoComplete="off"
        aria-invalid={text !== '' && !checked.success}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
        }}
      />
      <Button type="submit" disabled={busy || !checked.success}>
        Add
      </Button>
      {text.includes('.') && !checked.success && (
        <p className={css['problem']}>{checked.error.issues[0]?.message}</p>
      )}
    </form>
  );
}
