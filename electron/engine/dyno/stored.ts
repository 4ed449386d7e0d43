import { isDiskFull } from '#shared/errors.ts';

/**
 * Writes to the store what nobody asked for and nobody shall fail for.
 * @param what names it for the engine's diagnostics, which are told when the disk is full
 * @returns false when there is no room
 */
export function stored(
  options: { onProblem(what: string, error: unknown): void },
  what: string,
  write: () => void,
): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    options.onProblem(`${what} could not be written down`, error);
    return false;
  }
}
