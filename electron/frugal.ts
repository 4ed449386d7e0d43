/**
 * How a process is started on Linux that idles most of its life: its collector's nursery is small, and its allocator has one arena in place
 * of one for every thread and gives what was large back to the system when it is free.
 */
export const FRUGAL = {
  flags: ['--max-semi-space-size=2'],
  environment: {
    MALLOC_ARENA_MAX: '1',
    MALLOC_MMAP_THRESHOLD_: '1048576',
    MALLOC_TRIM_THRESHOLD_: '1048576',
  },
} as const;
