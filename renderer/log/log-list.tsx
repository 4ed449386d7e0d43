import { type Virtualizer, useVirtualizer } from '@tanstack/react-virtual';
import {
  type KeyboardEvent,
  type MouseEvent,
  type ReactElement,
  type Ref,
  type RefObject,
  useImperativeHandle,
  useLayoutEffect,
  useReducer,
  useRef,
} from 'react';
import { setLogSettings, usePreferences } from '../state/preferences.ts';
import { LogRowView } from './log-row.tsx';
import { indexOfId, type LogRow } from './log-rows.ts';
import type { LogView } from './use-log-view.ts';
import css from './log-panel.module.css';

const ROW_HEIGHT = 20;
/** How near to the end, in pixels, a reader counts as being there. */
const NEAR = 4;

/** Ids of the selected rows, both ends included. */
export type Selection = { readonly anchor: number; readonly head: number } | null;

/** Scrolls a row into the middle. */
export type ScrollTo = (id: number) => void;

/** The rows in a window of what is visible. Scrolling away ends following; nothing else moves what one reads. */
export function LogList({
  ref,
  ...props
}: {
  readonly app: string;
  readonly view: LogView;
  readonly follow: boolean;
  readonly selection: Selection;
  readonly currentMatch: number | null;
  readonly ref: Ref<ScrollTo>;
  readonly onSelect: (selection: Selection) => void;
  readonly onOpen: (row: LogRow) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}): ReactElement {
  const { app, view, follow, selection } = props;
  const { rows, settings } = view;
  const announce = usePreferences((preferences) => preferences.announceLines);
  const { box, virtual, anchor, noteAnchor } = useLogWindow(view, follow);
  useImperativeHandle(ref, () => (id: number) => {
    anchor.current = null;
    virtual.scrollToIndex(indexOfId(rows, id), { align: 'center' });
    requestAnimationFrame(noteAnchor);
  });

  const setFollow = (on: boolean): void => {
    if (on !== follow) setLogSettings(app, { follow: on });
  };
  const select = (clicked: LogRow, { shiftKey }: MouseEvent): void => {
    setFollow(false);
    props.onSelect({
      anchor: shiftKey && selection !== null ? selection.anchor : clicked.id,
      head: clicked.id,
    });
  };
  return (
    <div
      ref={box}
      className={`${css['list']} quiet-scroll`}
      role="log"
      aria-label="App log"
      aria-live={announce ? 'polite' : 'off'}
      tabIndex={0}
      onKeyDown={props.onKeyDown}
      onWheel={({ deltaY }) => {
        if (deltaY < 0) setFollow(false);
      }}
      onScroll={({ currentTarget: element }) => {
        const left = element.scrollHeight - element.scrollTop - element.clientHeight;
        const moved = element.scrollTop - (lastTop.get(element) ?? 0);
        // Upwards does not count as arriving: the first pixels of a slow scroll away are still near the end.
        if (left <= NEAR && moved > 0) setFollow(true);
        else if (follow && left > 3 * ROW_HEIGHT && !view.paused && anchor.current !== null && moved < -1)
          setFollow(false);
        lastTop.set(element, element.scrollTop);
        noteAnchor();
      }}
    >
      <div className={css['canvas']} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            <div
              key={item.key}
              ref={virtual.measureElement}
              data-index={item.index}
              className={css['row']}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <LogRowView
                {...{ app, row, settings }}
                query={view.query}
                selected={isSelected(selection, row.id)}
                current={props.currentMatch === row.id}
                onOpen={props.onOpen}
                onSelect={select}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** The row at the top of the view, and how far above the view it begins. */
type Anchor = { readonly id: number; readonly offset: number } | null;

interface LogWindow {
  readonly box: RefObject<HTMLDivElement | null>;
  readonly virtual: Virtualizer<HTMLDivElement, Element>;
  readonly anchor: RefObject<Anchor>;
  readonly noteAnchor: () => void;
}

/** Keeps the newest row in view while following, else the row that is read on its pixel, whatever comes and goes around it. */
function useLogWindow(view: LogView, follow: boolean): LogWindow {
  const { rows } = view;
  const box = useRef<HTMLDivElement>(null);
  const anchor = useRef<Anchor>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- the list reads the virtualizer on each draw, as intended
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  virtual.shouldAdjustScrollPositionOnItemSizeChange = () => false;

  const [, drawAgain] = useReducer((round: number) => round + 1, 0);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const before = element.scrollTop;
    if (follow && !view.paused) element.scrollTop = element.scrollHeight;
    else if (anchor.current !== null) {
      const index = indexOfId(rows, anchor.current.id);
      const start = virtual.measurementsCache[index]?.start ?? index * ROW_HEIGHT;
      const wanted = Math.round(start - anchor.current.offset);
      if (Math.abs(before - wanted) >= 1) element.scrollTop = wanted;
    }
    if (Math.abs(element.scrollTop - before) < 1) return;
    // The scroll event comes a frame late: until then the rows of the old place would be painted at the new one.
    virtual.scrollOffset = element.scrollTop;
    drawAgain();
  });

  const noteAnchor = (): void => {
    const element = box.current;
    if (element === null) return;
    const first = virtual.getVirtualItemForOffset(element.scrollTop);
    const row = first === undefined ? undefined : rows[first.index];
    const known = row !== undefined && first !== undefined;
    anchor.current = known ? { id: row.id, offset: first.start - element.scrollTop } : null;
  };
  return { box, virtual, anchor, noteAnchor };
}

const lastTop = new WeakMap<Element, number>();

/** True for rows within the selection. */
export function isSelected(selection: Selection, id: number): boolean {
  if (selection === null) return false;
  return id >= Math.min(selection.anchor, selection.head) && id <= Math.max(selection.anchor, selection.head);
}
