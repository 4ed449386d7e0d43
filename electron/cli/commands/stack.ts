import { SlipwayError } from '#shared/errors.ts';
import { StackName, STACKS } from '#shared/model/stack.ts';
import { chosenApp, type Command } from '../command.ts';

/** `stack`: what an app is built and run on. */
export const stack: Command = {
  usage: 'stack [set STACK] [--app NAME]',
  summary: `show or choose the stack of an app: ${STACKS.join(', ')}`,
  async run(context) {
    const { client, write, words } = context;
    const app = await chosenApp(context);
    const [verb, word] = words;
    if (verb === undefined) {
      const { stack: chosen } = await client.call('apps.get', { app });
      const lines = STACKS.map((each) => `${each === chosen ? '*' : ' '} ${each}\n`);
      write(`=== ${app} Available Stacks\n${lines.join('')}`);
      return;
    }
    if (verb !== 'set')
      throw new SlipwayError('invalid_params', `stack does not know "${verb}". Write: ${stack.usage}.`);
    const wanted = readStack(word);
    await client.call('apps.setStack', { app, stack: wanted });
    write(`Setting stack to ${wanted}... done\n`);
    write(`You will need to redeploy ${app} for the change to take effect.\n`);
  },
};

/** @throws SlipwayError `invalid_params` for what is no stack */
export function readStack(word: string | undefined): StackName {
  const { success, data } = StackName.safeParse(word);
  if (success) return data;
  const given = word === undefined ? 'No stack was named' : `There is no stack "${word}"`;
  throw new SlipwayError('invalid_params', `${given}. Stacks are ${STACKS.join(', ')}.`);
}
