import { temporaryFolder } from './temporary.ts';

// What a test caches goes with it, and does not meet what another has cached.
process.env.BERTUNE_CACHE = temporaryFolder();
