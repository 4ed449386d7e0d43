import { Construction } from 'lucide-react';
import type { ReactElement } from 'react';
import type { App } from '#shared/model/app.ts';
import { setAppOptions } from '../actions/app-actions.ts';
import { Button } from '../ui/button.tsx';
import css from './maintenance-banner.module.css';

/** Says across the app that nobody gets through to it, since that is easily forgotten. */
export function MaintenanceBanner({ app }: { readonly app: App }): ReactElement | null {
  if (!app.options.maintenance) return null;
  return (
    <section className={css['banner']} role="status" aria-label="Maintenance">
      <Construction className={css['icon']} />
      <p className={css['words']}>
        <strong>{app.name} is offline for maintenance.</strong> Every request gets the page for maintenance;
        dynos go on.
      </p>
      <Button onClick={() => void setAppOptions(app.name, { maintenance: false })}>End maintenance</Button>
    </section>
  );
}
