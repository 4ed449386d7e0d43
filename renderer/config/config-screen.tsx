import { Eye, EyeOff, FileText, Pencil, Trash2 } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { changeConfig } from '../actions/app-actions.ts';
import { useAnswer } from '../state/use-answer.ts';
import type { OpenApp } from '../state/world.ts';
import { PanelTitle } from '../parts/panel-title.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import panel from '../ui/panel.module.css';
import { BulkDialog } from './bulk-dialog.tsx';
import { VarForm } from './var-form.tsx';
import css from './config-screen.module.css';

type Vars = Readonly<Record<string, string>>;

/** Config vars of an app. Values are on screen only while they are revealed; each change is one release. */
export function ConfigScreen({ open }: { readonly open: OpenApp }): ReactElement {
  const { name } = open;
  const { value, problem, reload } = useAnswer('config.get', { app: name }, open.releases?.[0]?.version);
  const vars: Vars | null = value?.vars ?? null;
  const [editing, setEditing] = useState<string | null>(null);
  const [revealed, setRevealed] = useState<ReadonlySet<string>>(new Set());
  const [bulk, setBulk] = useState(false);
  const apply = async (change: Readonly<Record<string, string | null>>): Promise<boolean> => {
    const applied = await changeConfig(name, change, vars ?? {});
    if (applied) reload();
    return applied;
  };
  const names = Object.keys(vars ?? {}).sort();
  return (
    <div className={css['screen']}>
      <section className={panel['panel']} aria-labelledby="config-title">
        <PanelTitle id="config-title" title="Config vars">
          <Button
            onClick={() => {
              setBulk(true);
            }}
            disabled={vars === null}
          >
            <FileText /> Edit as text
          </Button>
        </PanelTitle>
        <p className={panel['weak']}>
          Variables of the app’s environment. A change makes a release and restarts the dynos, one after the
          other, without a gap.
        </p>
        {problem !== null && <p className={panel['problem']}>{problem}</p>}
        <ul className={css['list']} aria-label="Config vars">
          {names.map((each) =>
            editing === each ? (
              <li key={each} className={css['edit']}>
                <VarForm
                  name={each}
                  value={vars?.[each] ?? ''}
                  taken={[]}
                  onCancel={() => {
                    setEditing(null);
                  }}
                  onApply={async (_, value) => {
                    if (await apply({ [each]: value })) setEditing(null);
                  }}
                />
              </li>
            ) : (
              <Row
                key={each}
                name={each}
                value={vars?.[each] ?? ''}
                revealed={revealed.has(each)}
                onReveal={() => {
                  setRevealed(toggled(revealed, each));
                }}
                onEdit={() => {
                  setEditing(each);
                }}
                onRemove={() => void apply({ [each]: null })}
              />
            ),
          )}
        </ul>
        {vars !== null && names.length === 0 && (
          <p className={panel['weak']}>None yet. PORT and DYNO are set by Slipway itself.</p>
        )}
        {vars !== null && (
          <VarForm
            key={names.join(' ')}
            name={null}
            value=""
            taken={names}
            onApply={async (added, value) => {
              await apply({ [added]: value });
            }}
          />
        )}
      </section>
      {vars !== null && bulk && (
        <BulkDialog
          vars={vars}
          onApply={apply}
          onClose={() => {
            setBulk(false);
          }}
        />
      )}
    </div>
  );
}

function toggled(set: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(name)) next.add(name);
  return next;
}

function Row(props: {
  readonly name: string;
  readonly value: string;
  readonly revealed: boolean;
  readonly onReveal: () => void;
  readonly onEdit: () => void;
  readonly onRemove: () => void;
}): ReactElement {
  const { name, revealed } = props;
  return (
    <li className={css['row']}>
      <code className={css['name']}>{name}</code>
      <code className={css['value']}>{revealed ? props.value : '••••••••••••'}</code>
      <span className={css['actions']}>
        <IconButton
          label={revealed ? `Hide ${name}` : `Reveal ${name}`}
          aria-pressed={revealed}
          onClick={props.onReveal}
        >
          {revealed ? <EyeOff /> : <Eye />}
        </IconButton>
        <CopyButton text={props.value} label={`Copy value of ${name}`} />
        <IconButton label={`Edit ${name}`} onClick={props.onEdit}>
          <Pencil />
        </IconButton>
        <IconButton label={`Remove ${name}`} onClick={props.onRemove}>
          <Trash2 />
        </IconButton>
      </span>
    </li>
  );
}
