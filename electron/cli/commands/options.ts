import {
  type AppOptions,
  BuilderName,
  DEFAULT_BUILDER,
  DeployOrder,
  DynoChoice,
  EngineOptions,
  MAX_BUILD_MINUTES,
  RestartPolicyName,
} from '#shared/model/options.ts';
import { SlipwayError } from '#shared/errors.ts';
import { chosenApp, columns, type Command, type CommandContext } from '../command.ts';

interface Changes {
  readonly app: Partial<AppOptions>;
  readonly engine: Partial<EngineOptions>;
}

/** Every option by the name it has on the command line: what it may be, and what a value changes. */
const OPTIONS: Readonly<
  Record<string, { readonly may: string; read(value: string): Partial<Changes> | null }>
> = {
  'deploy-order': {
    may: DeployOrder.options.join(' or '),
    read: (value) => {
      const { success, data } = DeployOrder.safeParse(value);
      return success ? { app: { deployOrder: data } } : null;
    },
  },
  sleep: {
    may: 'minutes without a request, never, or size (as the dyno size has it)',
    read: (value) => {
      if (value === 'size') return { app: { sleepAfterMinutes: null } };
      if (value === 'never') return { app: { sleepAfterMinutes: 0 } };
      return /^\d{1,5}$/.test(value) ? { app: { sleepAfterMinutes: Number(value) } } : null;
    },
  },
  'deploy-on-save': {
    may: 'on or off',
    read: (value) => onOff(value, (on) => ({ app: { deployOnSave: on } })),
  },
  'dyno-metadata': {
    may: 'on or off',
    read: (value) => onOff(value, (on) => ({ app: { dynoMetadata: on } })),
  },
  'session-affinity': {
    may: 'on or off',
    read: (value) => onOff(value, (on) => ({ app: { sessionAffinity: on } })),
  },
  'dyno-choice': {
    may: DynoChoice.options.join(' or '),
    read: (value) => {
      const { success, data } = DynoChoice.safeParse(value);
      return success ? { app: { dynoChoice: data } } : null;
    },
  },
  builder: {
    may: `the name of a Docker image, such as ${DEFAULT_BUILDER}`,
    read: (value) => {
      const { success, data } = BuilderName.safeParse(value);
      return success ? { app: { builder: data } } : null;
    },
  },
  'restart-policy': {
    may: RestartPolicyName.options.join(' or '),
    read: (value) => {
      const { success, data } = RestartPolicyName.safeParse(value);
      return success ? { engine: { restartPolicy: data } } : null;
    },
  },
  'daily-cycling': {
    may: 'on or off',
    read: (value) => onOff(value, (on) => ({ engine: { dailyCycling: on } })),
  },
  'build-minutes': {
    may: `1 to ${MAX_BUILD_MINUTES}`,
    read: (value) => {
      const { success, data } = EngineOptions.shape.buildMinutes.safeParse(Number(value));
      return success && /^\d+$/.test(value) ? { engine: { buildMinutes: data } } : null;
    },
  },
};

/** `options`: how an app is deployed and sleeps, and how the engine treats all dynos. */
export const options: Command = {
  usage: 'options [--app NAME] [NAME=VALUE …]',
  summary: 'show or change options of an app and of the engine',
  async run(context) {
    const wished = context.words.map(readOption);
    const app = Object.assign({}, ...wished.map((each) => each.app)) as Partial<AppOptions>;
    const engine = Object.assign({}, ...wished.map((each) => each.engine)) as Partial<EngineOptions>;
    const { client } = context;
    if (Object.keys(app).length > 0)
      await client.call('apps.update', { app: await chosenApp(context), ...app });
    if (Object.keys(engine).length > 0) await client.call('system.setOptions', engine);
    await show(context);
  },
};

async function show(context: CommandContext): Promise<void> {
  const { client, write } = context;
  const { restartPolicy, dailyCycling, buildMinutes } = await client.call('system.options', {});
  const { apps } = await client.call('apps.list', {});
  const named = context.options.app !== undefined || apps.length === 1;
  if (named) {
    const app = await client.call('apps.get', { app: await chosenApp(context) });
    const { deployOrder, sleepAfterMinutes: sleep, deployOnSave, dynoMetadata } = app.options;
    const { sessionAffinity, dynoChoice, builder } = app.options;
    const rows = [
      ['deploy-order', deployOrder],
      ['sleep', sleep === null ? 'size' : sleep === 0 ? 'never' : String(sleep)],
      ['deploy-on-save', deployOnSave ? 'on' : 'off'],
      ['dyno-metadata', dynoMetadata ? 'on' : 'off'],
      ['session-affinity', sessionAffinity ? 'on' : 'off'],
      ['dyno-choice', dynoChoice],
      ['builder', builder],
    ];
    write(`=== ${app.name}\n${columns(rows)}\n`);
  }
  const rows = [
    ['restart-policy', restartPolicy],
    ['daily-cycling', dailyCycling ? 'on' : 'off'],
    ['build-minutes', String(buildMinutes)],
  ];
  write(`=== all apps\n${columns(rows)}`);
}

function readOption(word: string): Partial<Changes> {
  const [, name = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(word) ?? [];
  const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (option === undefined) {
    const names = Object.keys(OPTIONS).join(', ');
    throw new SlipwayError(
      'invalid_params',
      `"${word}" sets no option. Write NAME=VALUE; names are ${names}.`,
    );
  }
  const change = option.read(value);
  if (change !== null) return change;
  throw new SlipwayError('invalid_params', `${name} cannot be "${value}". It may be ${option.may}.`);
}

function onOff(value: string, make: (on: boolean) => Partial<Changes>): Partial<Changes> | null {
  return value === 'on' || value === 'off' ? make(value === 'on') : null;
}
