import { auditSection } from './audit.ts';
import { classesSection } from './classes.ts';
import { confusionSection } from './confusion.ts';
import { coverageSection } from './coverage.ts';
import { figuresSection } from './figures.ts';
import { ladderSection } from './ladder.ts';
import { learningSection } from './learning.ts';
import { mistakesSection } from './mistakes.ts';
import { numbersSection } from './numbers.ts';
import { outOfScopeSection } from './outOfScope.ts';
import { promisesSection } from './promises.ts';
import { reliabilitySection } from './reliability.ts';
import type { Section } from './section.ts';
import { settingsSection } from './settings.ts';
import { slicesSection } from './slices.ts';

/** The parts of a report behind its verdict, by the id that links point to, in their order. */
export const sections = {
  figures: figuresSection,
  learning: learningSection,
  ladder: ladderSection,
  confusion: confusionSection,
  numbers: numbersSection,
  mistakes: mistakesSection,
  classes: classesSection,
  reliability: reliabilitySection,
  coverage: coverageSection,
  promises: promisesSection,
  'out-of-scope': outOfScopeSection,
  audit: auditSection,
  slices: slicesSection,
  settings: settingsSection,
} as const satisfies Readonly<Record<string, Section>>;
