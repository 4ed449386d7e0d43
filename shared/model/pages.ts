import * as z from 'zod';

/** Config vars that name a page in place of the router's own (reference: heroku-platform 4.6). */
export const PAGE_VARS = { error: 'ERROR_PAGE_URL', maintenance: 'MAINTENANCE_PAGE_URL' } as const;

export const PageKind = z.enum(['error', 'maintenance']);
export type PageKind = z.infer<typeof PageKind>;

/** An app's own page for one occasion, and how it stands. */
export const CustomPage = z.object({
  kind: PageKind,
  /** The config var that names it. */
  variable: z.string(),
  /** Value of the config var, cut to a length for people; null when it is not set. */
  url: z.string().nullable(),
  /** Size of the kept copy, which is what clients get; null when there is none and they get the router's page. */
  bytes: z.number().int().nonnegative().nullable(),
  /** When the copy was fetched, ISO 8601. */
  fetchedAt: z.string().nullable(),
  /** Why the last try brought no page; null when it did, or while it is under way. */
  problem: z.string().nullable(),
  fetching: z.boolean(),
});
export type CustomPage = z.infer<typeof CustomPage>;
