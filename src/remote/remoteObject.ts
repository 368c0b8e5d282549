/** A file that lies somewhere else. */
export interface RemoteObject {
  readonly scheme: 's3' | 'https';
  /** With the secrets that may be in it: not to be shown. */
  readonly address: string;
  /** For messages. */
  readonly name: string;
  /** What tells its format. */
  readonly fileName: string;
  /** What the server says that it is, such as `text/csv`; undefined where it does not. */
  readonly type?: string;
  /** Undefined where the server does not tell. */
  readonly bytes: number | undefined;
  /** Changes when the content does; undefined where nothing tells for sure. */
  readonly version: string | undefined;
  /** Whether parts of it can be asked for. */
  readonly takesRanges: boolean;
}
