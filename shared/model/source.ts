import * as z from 'zod';

/** What a look at a source found, for the dialog before a deploy. */
export const Inspection = z.object({
  /** Name for a new app, valid and not taken, made from the folder's name. */
  suggestedName: z.string(),
  /** Name that the buildpack gives the language, or null when no buildpack takes it. */
  language: z.string().nullable(),
  /** Process types that the Procfile declares, with their commands; empty without one. */
  processTypes: z.array(z.object({ type: z.string(), command: z.string() })),
  /** Config vars that `app.json` asks a new app for. */
  env: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      /** What it is unless somebody says otherwise, or null. */
      value: z.string().nullable(),
      required: z.boolean(),
      /** True when a random value is made for it. */
      secret: z.boolean(),
    }),
  ),
  files: z.number().int().nonnegative(),
  bytes: z.number().nonnegative(),
  /** Commit of the work tree, when it is one. */
  commit: z.string().nullable(),
  /** App that this folder was deployed to before. */
  app: z.string().nullable(),
  /** Plain sentences: what would make a deploy fail, each with the next step. */
  problems: z.array(z.string()),
});
export type Inspection = z.infer<typeof Inspection>;

/** An app that comes with Slipway, to try it out. */
export const Sample = z.object({
  /** Name of its folder and suggested app name, for example `hello-node`. */
  name: z.string(),
  title: z.string(),
  /** One sentence. */
  description: z.string(),
  language: z.string(),
});
export type Sample = z.infer<typeof Sample>;
