/** Files by name, as the compiler sees them. */
export class Files {
  constructor(files?: Record<string, string | Uint8Array>);
  write(name: string, content: string | Uint8Array): void;
  read(name: string): Uint8Array | undefined;
  remove(name: string): void;
  names(): string[];
}

export interface Result {
  code: number;
  stdout: string;
  bytes: Uint8Array;
  stderr: string;
}

export class Compiler {
  static load(source: BufferSource | Response | WebAssembly.Module): Promise<Compiler>;
  /** `grus` with these arguments. Files are changed in place. */
  run(args: string[], files?: Files): Promise<Result>;
  /** The language server: a message in, messages out. */
  server(files?: Files): Promise<{ send(message: object): object[] }>;
}

export class GrusError extends Error {
  diagnostics: object[];
}
export class GrusModelError extends Error {}

type Named = Record<string, string | Uint8Array>;
interface Options {
  /** What the model uses and its weights, by name. */
  files?: Named;
  /** Further options of the command. */
  args?: string[];
}
interface BuildOptions extends Options {
  /** A weights file among `files`, "random:1", or "extern". */
  weights?: string;
  emit?: "c" | "header" | "wasm";
}

/** One call on a state; see docs/web.md. */
export interface State {
  step?(inputs: Record<string, ArrayLike<number> | number>): Record<string, any> | null;
  push?(inputs: Record<string, ArrayLike<number> | number>): Record<string, any> | null;
  reset(init?: Record<string, ArrayLike<number>>): void;
  go(): boolean;
  save(): Uint8Array;
  restore(saved: Uint8Array): void;
  state(name: string): any;
  close(): void;
}
export interface Model {
  readonly description: any;
  readonly memory: WebAssembly.Memory;
  port(name: string): any;
  run(inputs: Record<string, any>): Record<string, any>;
  stream(init?: Record<string, ArrayLike<number>>): State;
  window(init?: Record<string, ArrayLike<number>>): State;
}

export function load(): Promise<Compiler>;
export function check(source: string, options?: Options): Promise<object[]>;
export function build(source: string, options?: BuildOptions): Promise<Record<string, Uint8Array>>;
export function compile(source: string, options?: BuildOptions): Promise<Model>;
export function importModel(name: string, bytes: Uint8Array, options?: Options): Promise<{ source: string; files: Named; notes: string }>;
export function loadModel(source: string | URL | BufferSource | Response | WebAssembly.Module, weights?: BufferSource): Promise<Model>;
export function hasSimd(): boolean;
