import type { ButtonHTMLAttributes, ReactElement, Ref } from 'react';
import css from './button.module.css';

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `main` is the one accent button of a view; `plain` has no frame; `danger` destroys. */
  readonly look?: 'main' | 'normal' | 'plain' | 'danger';
  readonly ref?: Ref<HTMLButtonElement>;
}

/** A button whose text is a verb. */
export function Button({ look = 'normal', className = '', ...rest }: ButtonProps): ReactElement {
  return <button type="button" {...rest} data-look={look} className={`${css['button']} ${className}`} />;
}

/** A button with an icon alone; `label` is its name and its hint. */
export function IconButton(props: ButtonProps & { readonly label: string }): ReactElement {
  const { label, className = '', ...rest } = props;
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`${css['icon']} ${className}`}
    />
  );
}
