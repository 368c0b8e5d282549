import type { Program } from './engine.ts';

/** Compiled graphs by key; the least recently used is released when there are more than `capacity`. */
export class ProgramCache<P extends Pick<Program, 'dispose'> = Program> {
  readonly #programs = new Map<string, P>();
  readonly #compile: (key: string) => Promise<P>;
  readonly #capacity: number;

  constructor(compile: (key: string) => Promise<P>, capacity: number) {
    this.#compile = compile;
    this.#capacity = capacity;
  }

  async get(key: string): Promise<P> {
    const program = this.#programs.get(key) ?? (await this.#compile(key));
    this.#programs.delete(key);
    this.#programs.set(key, program);
    if (this.#programs.size > this.#capacity) {
      const [oldest] = this.#programs.keys();
      if (oldest !== undefined) {
        await this.#programs.get(oldest)?.dispose();
        this.#programs.delete(oldest);
      }
    }
    return program;
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await program.dispose();
    this.#programs.clear();
  }
}
