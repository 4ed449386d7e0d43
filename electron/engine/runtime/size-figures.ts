import { type DynoSize, memoryOn } from '#shared/model/size.ts';

/**
 * Variables by which an app learns what its dyno's size gives it. Buildpacks take `MEMORY_AVAILABLE` instead of asking the control
 * group, whose limit is above the quota (reference: heroku-platform 3.8, 3.9). In MiB.
 * @param machineMiB memory of the machine that the dyno runs on
 */
export function sizeVariables(size: DynoSize, machineMiB: number): Record<string, string> {
  return { MEMORY_AVAILABLE: String(memoryOn(machineMiB, size)) };
}

/**
 * Definition of the bash function by which `ulimit -u` prints the figure of the dyno's size, from which buildpacks derive
 * WEB_CONCURRENCY (reference: heroku-platform 3.8). It is no limit of the kernel's: that one counts all processes of a user on
 * the machine, and all dynos are the same user, so that 256 for one dyno would let forks fail in every other. What a
 * dyno may have is limited by its control group. Whoever sets the limit gets bash's own `ulimit` from there on.
 */
export function ulimitFunction({ maxProcesses }: DynoSize): string {
  return `() { case "$*" in
-u | -Su | -Hu | "-S -u" | "-H -u") echo ${String(maxProcesses)} ;;
*) if [[ "$*" =~ (^|[[:space:]])-[a-zA-Z]*u ]]; then unset -f ulimit; fi
builtin ulimit "$@" ;;
esac
}`;
}
