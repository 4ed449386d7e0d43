import type { Readable } from 'node:stream';

/** Images of one slug to be built, one after the other. */
export interface ImageOrder {
  readonly appId: string;
  readonly slugId: string;
  readonly images: readonly ImageWish[];
  readonly args: Readonly<Record<string, string>>;
  /** Runs every step again. */
  readonly clearCache: boolean;
  /** Told before each image. */
  readonly onBegin: (image: ImageWish) => void;
  /** Gets what Docker prints, as it comes. */
  readonly onOutput: (text: string) => void;
  /** Gets what a person should know although the build goes on, each time a plain sentence. */
  readonly onWarning: (text: string) => void;
}

/** The image of one process type. */
export interface ImageWish {
  readonly type: string;
  /** Opens the files that the Dockerfile works with, as a tar. */
  readonly context: () => Readable;
  /** Path of the Dockerfile in them. */
  readonly dockerfile: string;
  /** Stage to stop at, or null for the last. */
  readonly target: string | null;
  /** Names of the images that it begins with or copies from. */
  readonly bases: readonly string[];
}

/** An image that was built. */
export interface BuiltImage {
  readonly id: string;
  readonly reference: string;
  readonly bytes: number;
  /** ENTRYPOINT and CMD; empty where there is none. */
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
}

/** An app to be built with Cloud Native Buildpacks. */
export interface BuilderOrder {
  readonly appId: string;
  readonly slugId: string;
  /** Name of the image with the buildpacks. */
  readonly builder: string;
  /** Opens the source as a tar; `done` tells how it went. */
  readonly source: () => { readonly tar: Readable; readonly done: Promise<void> };
  /** Config vars, which buildpacks find in their environment. */
  readonly config: Readonly<Record<string, string>>;
  /** Uses nothing of earlier builds. */
  readonly clearCache: boolean;
  /** Gets what the build prints, as it comes. */
  readonly onOutput: (text: string) => void;
}

/** An image that Cloud Native Buildpacks have built. */
export interface BuilderImage extends BuiltImage {
  readonly processes: readonly BuilderProcess[];
}

/** A process type of such an image. */
export interface BuilderProcess {
  readonly type: string;
  /** Its command, for people; the image's launcher knows it by its type. */
  readonly words: readonly string[];
  /** Whether the image starts it when it is told nothing. */
  readonly isDefault: boolean;
}
