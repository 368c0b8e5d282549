/**
 * What people write about one matter. The labeled training set is made of `plain` sentences alone and the labeled test
 * set of `reworded` and `insider` sentences, while the unlabeled logs mix everything: wording that the few labels never
 * show still occurs there, next to wording that they do show.
 */
export interface Intent {
  /** The class in the labeled sets; without one, the matter occurs in the unlabeled logs only. */
  readonly label?: string;
  /** How people who know nothing of the shop's inner life put it. */
  readonly plain: readonly string[];
  /** The same in other words, of which some are known from the plain ones. */
  readonly reworded: readonly string[];
  /** How regulars put it: status words, carrier talk, names of programmes. */
  readonly insider: readonly string[];
  /** What else such messages tell. */
  readonly details: readonly string[];
  /** What the support team answers. */
  readonly replies: readonly string[];
}
