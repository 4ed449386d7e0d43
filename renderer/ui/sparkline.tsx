import type { ReactElement } from 'react';
import css from './sparkline.module.css';

const WIDTH = 96;
const HEIGHT = 22;

/** A small curve of the last figures, oldest first. `label` names it with its newest and highest value. */
export function Sparkline(props: {
  readonly values: readonly number[];
  readonly label: string;
  /** Value at the top; the highest of the values unless given. */
  readonly top?: number;
}): ReactElement {
  const { values } = props;
  const top = Math.max(props.top ?? 0, 1, ...values);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, index) =>
      `${(index * step).toFixed(1)},${(HEIGHT - 1 - (value / top) * (HEIGHT - 3)).toFixed(1)}`,
  );
  return (
    <svg
      className={css['spark']}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={props.label}
      preserveAspectRatio="none"
    >
      <title>{props.label}</title>
      {points.length > 1 && (
        <>
          <polygon className={css['area']} points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`} />
          <polyline className={css['curve']} points={points.join(' ')} />
        </>
      )}
    </svg>
  );
}
