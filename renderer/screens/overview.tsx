import { type PointerEvent, type ReactElement, useRef, useState } from 'react';
import type { App } from '#shared/model/app.ts';
import { LogPanel } from '../log/log-panel.tsx';
import { setPreferences, usePreferences } from '../state/preferences.ts';
import type { OpenApp } from '../state/world.ts';
import css from './app-screen.module.css';
import { CrashBanner } from './crash-banner.tsx';
import { DeployTimeline, isRunning } from './deploy-timeline.tsx';
import { Formation } from './formation.tsx';
import { NowCard } from './now-card.tsx';
import { TrafficRow } from './traffic-row.tsx';

/** What people come for on one screen: formation, current release or running deploy, and the log as its floor. */
export function Overview({ app, open }: { readonly app: App; readonly open: OpenApp }): ReactElement {
  const share = usePreferences((preferences) => preferences.logShare);
  const [hidden, setHidden] = useState<string | null>(null);
  const [build, before] = open.builds;
  const recent =
    build !== undefined && (isRunning(build) || build.failure !== null || seenRunning.has(build.id));
  if (build !== undefined && isRunning(build)) seenRunning.add(build.id);
  return (
    <div className={css['overview']}>
      <div className={`${css['upper']} quiet-scroll`}>
        <CrashBanner open={open} />
        <div className={css['panels']} data-deploy={recent && hidden !== build.id}>
          <Formation open={open} />
          {recent && hidden !== build.id ? (
            <DeployTimeline
              build={build}
              before={before}
              onHide={() => {
                setHidden(build.id);
              }}
            />
          ) : (
            <NowCard open={open} app={app} />
          )}
        </div>
        <TrafficRow app={app} />
      </div>
      <Divider share={share} />
      <div className={css['lower']} style={{ flexBasis: `${share * 100}%` }}>
        <LogPanel app={app.name} />
      </div>
    </div>
  );
}

/** Builds that were seen while they ran; their timeline stays until it is hidden. */
const seenRunning = new Set<string>();

/** The top edge of the log: dragged, or moved with arrow keys. */
function Divider({ share }: { readonly share: number }): ReactElement {
  const bar = useRef<HTMLDivElement>(null);
  const set = (next: number): void => {
    setPreferences({ logShare: Math.min(0.85, Math.max(0.15, next)) });
  };
  const drag = (event: PointerEvent): void => {
    const whole = bar.current?.parentElement?.getBoundingClientRect();
    if (whole !== undefined && event.buttons === 1) set((whole.bottom - event.clientY) / whole.height);
  };
  return (
    <div
      ref={bar}
      className={css['divider']}
      role="separator"
      aria-orientation="horizontal"
      aria-label="Height of the log"
      aria-valuenow={Math.round(share * 100)}
      aria-valuemin={15}
      aria-valuemax={85}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={drag}
      onDoubleClick={() => {
        set(0.45);
      }}
      onKeyDown={({ key }) => {
        if (key === 'ArrowUp') set(share + 0.05);
        if (key === 'ArrowDown') set(share - 0.05);
      }}
    />
  );
}
