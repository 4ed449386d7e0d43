import type { LineCount } from './numbered-lines.ts';
import type { TrafficResult } from './traffic.ts';
import { failed, type Finding } from './measure.ts';

const HEAD = [
  'Fault',
  'Healthy after',
  'Failed requests',
  'Beside it',
  'Lines lost',
  'Lines twice',
  'Remarks',
];

/** A finding as the cells of a row. */
export function cells(name: string, finding: Finding): string[] {
  return [
    name,
    `${(finding.healthyMs / 1000).toFixed(1)} s`,
    requests(finding.app, finding.codes),
    requests(finding.beside),
    ...lines(finding.lines),
    [...finding.notes, ...finding.broken.map((what) => `NOT KEPT: ${what}`)].join('; '),
  ];
}

/** With the router's codes; requests that the router did not see have the code of the connection's error. */
function requests(result: TrafficResult, codes?: ReadonlyMap<string, number>): string {
  const errors = [...result.failures].filter(([kind]) => codes === undefined || !/^\d+$/.test(kind));
  const kinds = [...errors, ...(codes ?? [])].map(([kind, count]) => `${count} × ${kind}`).join(', ');
  return `${failed(result)} of ${result.sent}${kinds === '' ? '' : ` (${kinds})`}`;
}

function lines({ lost, repeated }: LineCount): string[] {
  return [String(lost), String(repeated)];
}

/** Rows as a table of Markdown. */
export function markdownTable(rows: readonly (readonly string[])[]): string {
  const all = [HEAD, HEAD.map(() => '---'), ...rows];
  return all.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`).join('\n');
}
