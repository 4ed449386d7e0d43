import { Check, Copy } from 'lucide-react';
import { type ReactElement, useState } from 'react';
import { IconButton } from './button.tsx';

/** Copies a text and says so for a moment. */
export function CopyButton(props: { readonly text: string; readonly label: string }): ReactElement {
  const [copied, setCopied] = useState(false);
  return (
    <IconButton
      label={copied ? 'Copied' : props.label}
      onClick={() => {
        void navigator.clipboard.writeText(props.text).then(() => {
          setCopied(true);
          setTimeout(setCopied, 1_500, false);
        });
      }}
    >
      {copied ? <Check /> : <Copy />}
    </IconButton>
  );
}
