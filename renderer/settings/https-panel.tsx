import { type ReactElement, useState } from 'react';
import type { HttpsStatus, TrustStep } from '#shared/model/https.ts';
import { attempt } from '../actions/app-actions.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { call } from '../state/connection.ts';
import { useAnswer } from '../state/use-answer.ts';
import { Button } from '../ui/button.tsx';
import { Check } from '../ui/check.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import panel from '../ui/panel.module.css';
import css from './settings-screen.module.css';
import { Line } from './settings-line.tsx';

/** HTTPS in front of the router, and how its authority comes to be trusted. */
export function HttpsPanel(): ReactElement {
  const { value, problem, reload } = useAnswer('system.https', {});
  /** What was asked for, until it is answered. */
  const [wish, setWish] = useState<boolean | null>(null);
  const change = (on: boolean): void => {
    setWish(on);
    void attempt(`HTTPS was not switched ${on ? 'on' : 'off'}`, async () => {
      await call('system.setHttps', { on });
    }).finally(() => {
      setWish(null);
      reload();
    });
  };
  return (
    <section className={panel['panel']} aria-labelledby="https-title">
      <PanelTitle id="https-title" title="HTTPS" />
      {problem !== null && <p className={panel['problem']}>{problem}</p>}
      {value !== null && (
        <>
          <Line label="Serve apps">
            <Check checked={wish ?? value.on} disabled={wish !== null} onChange={change}>
              By HTTPS and HTTP/2 as well
            </Check>
            {value.problem !== null && <p className={panel['problem']}>{value.problem}</p>}
          </Line>
          {value.url !== null && (
            <Line label="Apps at">
              <code>{value.url.replace('localhost', 'APP.localhost')}</code>
            </Line>
          )}
          <AuthorityLines status={value} />
        </>
      )}
    </section>
  );
}

function AuthorityLines({ status }: { readonly status: HttpsStatus }): ReactElement {
  const [shown, setShown] = useState(false);
  const { authority, trust } = status;
  if (authority === null)
    return (
      <p className={panel['weak']}>
        The first time makes an authority that signs certificates on this machine. Nothing is told to trust
        it: that stays with you, and the commands for it are shown here then.
      </p>
    );
  return (
    <>
      <Line label="Authority">
        <span className={css['row']}>
          <code>{authority.path}</code>
          <CopyButton text={authority.path} label="Copy path of the authority" />
        </span>
        <p className={panel['weak']}>
          SHA-256 <code>{authority.fingerprint}</code>
        </p>
      </Line>
      <Line label="Trust">
        <p>
          Slipway never changes what this machine trusts. Until you do, browsers warn.{' '}
          <Button
            look="plain"
            aria-expanded={shown}
            onClick={() => {
              setShown(!shown);
            }}
          >
            {shown ? 'Hide commands' : 'Show commands'}
          </Button>
        </p>
      </Line>
      {shown && trust.map((step) => <Step key={step.title} step={step} />)}
    </>
  );
}

function Step({ step: { title, note, commands, undo } }: { readonly step: TrustStep }): ReactElement {
  return (
    <Line label={title}>
      <div className={css['steps']}>
        {note !== undefined && <p className={panel['weak']}>{note}</p>}
        {commands.map((command) => (
          <Command key={command} text={command} />
        ))}
        {undo.length > 0 && <p className={panel['weak']}>To take it back:</p>}
        {undo.map((command) => (
          <Command key={command} text={command} />
        ))}
      </div>
    </Line>
  );
}

function Command({ text }: { readonly text: string }): ReactElement {
  return (
    <p>
      <span className={panel['command']}>
        <code title={text}>{text}</code>
        <CopyButton text={text} label={`Copy ${text}`} />
      </span>
    </p>
  );
}
