import { Menu as Base } from '@base-ui/react/menu';
import { Check } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import css from './menu.module.css';

/** A menu that a button opens. */
export function Menu(props: {
  /** The button. */
  readonly trigger: ReactElement;
  readonly children: ReactNode;
  readonly align?: 'start' | 'end';
}): ReactElement {
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={props.trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align={props.align ?? 'end'} className={css['positioner']}>
          <Base.Popup className={css['popup']}>{props.children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

/** An action of a menu. One that cannot run says why instead of hiding. */
export function MenuItem(props: {
  readonly onSelect: () => void;
  readonly children: ReactNode;
  readonly disabledReason?: string | null;
  readonly hint?: string;
  readonly danger?: boolean;
}): ReactElement {
  const reason = props.disabledReason ?? null;
  return (
    <Base.Item
      className={css['item']}
      disabled={reason !== null}
      data-danger={props.danger === true}
      onClick={props.onSelect}
    >
      <span>{props.children}</span>
      <span className={css['hint']}>{reason ?? props.hint}</span>
    </Base.Item>
  );
}

/** One of several choices of a menu. */
export function MenuChoice<Value extends string>(props: {
  readonly label: string;
  readonly value: Value;
  readonly choices: readonly (readonly [value: Value, label: string])[];
  readonly onChoose: (value: Value) => void;
}): ReactElement {
  return (
    <Base.Group>
      <Base.GroupLabel className={css['label']}>{props.label}</Base.GroupLabel>
      <Base.RadioGroup
        value={props.value}
        onValueChange={(value: Value) => {
          props.onChoose(value);
        }}
      >
        {props.choices.map(([value, label]) => (
          <Base.RadioItem key={value} value={value} className={css['item']} closeOnClick>
            <span>{label}</span>
            <Base.RadioItemIndicator className={css['check']}>
              <Check />
            </Base.RadioItemIndicator>
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

/** Something that is on or off. */
export function MenuToggle(props: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}): ReactElement {
  return (
    <Base.CheckboxItem className={css['item']} checked={props.checked} onCheckedChange={props.onChange}>
      <span>{props.label}</span>
      <Base.CheckboxItemIndicator className={css['check']}>
        <Check />
      </Base.CheckboxItemIndicator>
    </Base.CheckboxItem>
  );
}

/** A line between groups. */
export function MenuLine(): ReactElement {
  return <Base.Separator className={css['line']} />;
}
