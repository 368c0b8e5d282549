import { counted } from '../core/errors.ts';
import { type Message, type Origin, say } from '../core/message.ts';

/** What to say of bytes that were not UTF-8: nothing when there are none. */
export function invalidUtf8Notes(count: number, flag: Origin): Message[] {
  if (count === 0) return [];
  return [
    say`${counted(count, 'invalid UTF-8 byte sequence')} in ${flag} replaced by U+FFFD; if the text has another encoding, convert it, as with iconv -f WINDOWS-1252 -t UTF-8`,
  ];
}
