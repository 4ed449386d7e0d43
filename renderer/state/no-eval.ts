import * as z from 'zod/mini';

// Zod tries out whether it may compile code, which the content policy forbids and reports. It has to be told
// before the first schema is made, so `main.tsx` imports this first.
z.config({ jitless: true });
