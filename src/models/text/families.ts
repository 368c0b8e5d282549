import { BertuneError, withArticle } from '../../core/errors.ts';
import { bert } from './bert/family.ts';
import { camembert } from './camembert/family.ts';
import type { HubConfig, TextConfig } from './config.ts';
import { distilbert } from './distilbert/family.ts';
import { electra } from './electra/family.ts';
import type { TextFamily } from './family.ts';
import type { HeadRecord } from './heads/head.ts';
import { familyHeadOf, headNames, heads } from './heads/table.ts';
import { labelsOf } from './hubLabels.ts';
import { type TextModel, textModel } from './model.ts';
import { modernBert } from './modernbert/family.ts';
import { roberta } from './roberta/family.ts';
import { xlmRoberta } from './xlm-roberta/family.ts';

/** Every family of text encoders. */
const families = [
  reader(bert),
  reader(distilbert),
  reader(roberta),
  reader(camembert),
  reader(xlmRoberta),
  reader(electra),
  reader(modernBert),
] as const;

/** `model_type` of every family. */
export const familyTypes: readonly string[] = families.map(({ type }) => type);

/** What reading a `config.json` needs of a family, its own type of configuration left inside. */
interface FamilyReader {
  readonly type: string;
  readonly title: string;
  readonly shapeKeys: readonly string[];
  claims(raw: HubConfig): boolean;
  read(raw: HubConfig, where: string): TextModel;
}

function reader<C extends TextConfig>(family: TextFamily<C>): FamilyReader {
  const { type, title, config } = family;
  const classifiers = headNames.flatMap((name) => {
    const { problem, tags }: HeadRecord = heads[name];
    const own = family.heads[familyHeadOf(name)];
    return (problem || tags) && own ? [own.hubClass] : [];
  });
  return {
    ...{ type, title },
    shapeKeys: config.shapeKeys,
    claims(raw) {
      if (raw.model_type !== undefined) return raw.model_type === type;
      return config.claims?.(raw) ?? namesClassesOf(family, raw);
    },
    read: (raw, where) => textModel(family, { ...config.read(raw, where), labels: labelsOf(raw, classifiers, where) }),
  };
}

/** Whether a configuration of the time before types were written names classes of the family alone. */
function namesClassesOf<C extends TextConfig>({ heads: own }: TextFamily<C>, { architectures }: HubConfig): boolean {
  const known = new RegExp(`^${own.pooled?.hubClass.replace(/Model$/, '')}(For|Model)`);
  const classes: unknown[] = Array.isArray(architectures) ? architectures : [];
  return classes.length > 0 && classes.every((name) => known.test(String(name)));
}

/**
 * The model that a `config.json` describes.
 *
 * @param where names the file in errors
 * @param shaped whether it must say the shape of a new model, rather than leave it to defaults
 * @throws BertuneError when it is of no family, lacks a key or has a value out of range
 */
export function readTextModel(raw: HubConfig, where: string, shaped = false): TextModel {
  const family = families.find(({ claims }) => claims(raw));
  if (!family) {
    const { model_type: type, architectures } = raw;
    const named = type ?? (Array.isArray(architectures) ? architectures.join(', ') : '');
    const types = familyTypes.map((known) => `"${known}"`).join(', ');
    throw new BertuneError(`${where}: model_type is "${named}", and only ${types} can be used`);
  }
  const missing = shaped ? family.shapeKeys.filter((key) => !Object.hasOwn(raw, key)) : [];
  if (missing.length > 0)
    throw new BertuneError(`${where} lacks ${missing.join(', ')}; give a config.json of ${withArticle(family.title)}`);
  return family.read(raw, where);
}
