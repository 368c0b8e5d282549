/** What a measured difference says, for those who report it. */
export { type Verdict, verdictOf } from '../evaluation/verdict.ts';
