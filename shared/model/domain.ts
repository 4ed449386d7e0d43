import * as z from 'zod';

/** Most domains of one app (reference: heroku-platform 2.6). */
export const DOMAINS_MAX = 1000;

const LABEL = '[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?';
const SHAPE = new RegExp(`^(\\*\\.)?(${LABEL}\\.)+${LABEL}$`);

/**
 * A host name that an app is served at beside NAME.localhost: `www.example.com`, or `*.example.com` for every name below it. Names that
 * the router has for apps itself (NAME.localhost and all of them together) and addresses are none.
 */
export const DomainName = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    SHAPE,
    'a domain is a host name such as www.example.com, or *.example.com for every name below it; letters other than a to z are written in their xn-- form',
  )
  .refine((name) => !/^\d+(\.\d+)*$/.test(name), 'a domain is a name, not an address')
  .refine(
    (name) => !/^[^.]+\.localhost$/.test(name),
    'NAME.localhost is the address of the app of that name; a domain has another part before it, as in www.shop.localhost',
  );

/** A domain of an app. */
export const Domain = z.object({
  id: z.string(),
  hostname: z.string(),
  createdAt: z.string(),
});
export type Domain = z.infer<typeof Domain>;

/** Whether a machine finds a name without being told: systems and browsers take all that ends in `.localhost` for their own. */
export function resolvesByItself(hostname: string): boolean {
  return hostname.endsWith('.localhost');
}
