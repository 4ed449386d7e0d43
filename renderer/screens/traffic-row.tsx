import type { ReactElement } from 'react';
import type { App } from '#shared/model/app.ts';
import { useWorld } from '../state/world.ts';
import { bytes } from '../ui/words.ts';
import css from './traffic-row.module.css';

/** What the router has done for the app, in one row of figures; nothing before the first request. */
export function TrafficRow({ app }: { readonly app: App }): ReactElement | null {
  const traffic = useWorld((world) => world.stats?.traffic.find((each) => each.app === app.id));
  if (traffic === undefined || traffic.total + traffic.inFlight === 0) return null;
  const { inFlight, byClass, service, bytesIn, bytesOut } = traffic;
  const number = (value: number): string => value.toLocaleString('en');
  return (
    <dl className={css['row']} aria-label="Requests">
      <Figure name="in flight" value={number(inFlight)} />
      <Figure name="2xx" value={number(byClass['2xx'])} />
      {byClass['3xx'] > 0 && <Figure name="3xx" value={number(byClass['3xx'])} />}
      <Figure name="4xx" value={number(byClass['4xx'])} />
      <Figure name="5xx" value={number(byClass['5xx'])} state={byClass['5xx'] > 0 ? 'bad' : undefined} />
      {service !== null && (
        <>
          <Figure name="p50" value={milliseconds(service.p50)} />
          <Figure name="p95" value={milliseconds(service.p95)} />
          <Figure name="p99" value={milliseconds(service.p99)} />
        </>
      )}
      <Figure name="in" value={bytes(bytesIn)} />
      <Figure name="out" value={bytes(bytesOut)} />
    </dl>
  );
}

function Figure(props: {
  readonly name: string;
  readonly value: string;
  readonly state?: 'bad' | undefined;
}): ReactElement {
  return (
    <div className={css['figure']} title={TITLES[props.name]}>
      <dt>{props.name}</dt>
      <dd data-state={props.state}>{props.value}</dd>
    </div>
  );
}

const TITLES: Readonly<Record<string, string>> = {
  'in flight': 'Requests that have not ended',
  '5xx': 'Errors of the app and of the router',
  p50: 'Half of the requests of the last minutes were served faster',
  p95: '95 % of the requests of the last minutes were served faster',
  p99: '99 % of the requests of the last minutes were served faster',
  in: 'Bodies that clients sent',
  out: 'Bodies that clients got',
};

function milliseconds(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(1)} ms`;
}
