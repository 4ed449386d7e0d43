import { SlipwayError } from '#shared/errors.ts';
import { formatLogLine, LogFilter, type LogRecord } from '#shared/model/log.ts';
import { chosenApp, type Command, type CommandContext } from '../command.ts';

/** Lines that `logs` shows unless told (reference: heroku-platform 5.1). */
const SHOWN = 100;

/** `logs`: the app's log, as the platform prints it. */
export const logs: Command = {
  usage: 'logs [--app NAME] [--tail] [-n N] [--source app|heroku] [--ps web.1]',
  summary: 'show the log; --tail goes on with every new line',
  async run(context) {
    const app = await chosenApp(context);
    const { client, options, signal } = context;
    const input = { app, filter: filterOf(context), lines: numberOf(options.num) };
    if (options.tail !== true) {
      print(context, (await client.call('logs.recent', input)).records);
      return;
    }
    for await (const records of client.open('logs.open', input, signal)) print(context, records);
  },
};

function filterOf({ options }: CommandContext): LogFilter {
  const parsed = LogFilter.safeParse({
    ...(options.source === undefined ? {} : { source: options.source }),
    ...(options.ps === undefined ? {} : { ps: options.ps }),
  });
  if (parsed.success) return parsed.data;
  throw new SlipwayError('invalid_params', `--source is app or heroku, not "${options.source ?? ''}".`);
}

function numberOf(text: string | undefined): number {
  if (text === undefined) return SHOWN;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 50_000) return Number(text);
  throw new SlipwayError('invalid_params', `-n takes a number up to 50000, not "${text}".`);
}

function print({ write }: CommandContext, records: readonly LogRecord[]): void {
  for (const record of records) {
    if (record.kind === 'line') write(`${formatLogLine(record)}\n`);
    else
      write(
        `[${record.count} lines are missing here: ${record.reason === 'slow' ? 'reading was too slow' : 'older than what is kept'}]\n`,
      );
  }
}
