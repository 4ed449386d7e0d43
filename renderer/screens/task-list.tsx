import { X } from 'lucide-react';
import type { ReactElement } from 'react';
import { cancelBuild } from '../actions/app-actions.ts';
import { pathOf } from '../state/route.ts';
import { useWorld } from '../state/world.ts';
import { IconButton } from '../ui/button.tsx';
import { Link } from '../ui/link.tsx';
import { PHASE_TITLES } from './build-text.ts';
import css from './task-list.module.css';

/** Long work that is under way: deploys and uploads, each with its progress and a way to cancel it. */
export function TaskList(): ReactElement | null {
  const tasks = useWorld((world) => world.tasks);
  const builds = useWorld((world) => world.builds);
  const running = Object.values(builds).filter((build) => build.finishedAt === null);
  if (tasks.length === 0 && running.length === 0) return null;
  return (
    <ul className={css['tasks']} aria-label="Tasks">
      {running.map((build) => {
        const ended = build.phases.filter(
          (phase) => phase.state !== 'waiting' && phase.state !== 'running',
        ).length;
        const phase = build.phases.find((each) => each.state === 'running');
        return (
          <li key={build.id} className={css['task']}>
            <Link path={pathOf(build.app)} className={css['title']}>
              Deploying {build.app}
            </Link>
            <IconButton
              label={`Cancel deploy of ${build.app}`}
              onClick={() => void cancelBuild(build.app, build.id)}
            >
              <X />
            </IconButton>
            <span className={css['note']}>{phase === undefined ? 'Waiting' : PHASE_TITLES[phase.name]}</span>
            <progress
              className={css['bar']}
              max={build.phases.length}
              value={ended}
              aria-label={`Progress of the deploy of ${build.app}`}
            />
          </li>
        );
      })}
      {tasks.map((task) => (
        <li key={task.id} className={css['task']}>
          <span className={css['title']}>{task.title}</span>
          {task.cancel !== null && (
            <IconButton label={`Cancel: ${task.title}`} onClick={task.cancel}>
              <X />
            </IconButton>
          )}
          <progress
            className={css['bar']}
            max={1}
            value={task.progress ?? undefined}
            aria-label={`Progress: ${task.title}`}
          />
        </li>
      ))}
    </ul>
  );
}
