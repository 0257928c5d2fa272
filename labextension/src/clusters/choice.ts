/** What a new cluster is made of: what is possible, and what follows from a choice. */
import type { ClusterOptions, ClusterSize, ClusterWish } from '../wire';
import type { IClusterChoice } from './tokens';

/**
 * What is chosen before anybody chose.
 */
export const FIRST_CHOICE: IClusterChoice = {
  adaptive: null,
  image: '',
  workers: 2,
  workerSize: ''
};

/**
 * The slug of the image that a choice means; empty when the gateway decides.
 *
 * @param serverImage - the slug of the image of this server; empty when it is not known
 */
export function imageOf(
  choice: IClusterChoice,
  options: ClusterOptions,
  serverImage: string
): string {
  const slugs = options.images.map(image => image.slug);
  return (
    [choice.image, serverImage].find(slug => slugs.includes(slug)) ??
    slugs[0] ??
    ''
  );
}

/**
 * The sizes that workers of an image can have.
 */
export function sizesFor(
  image: string,
  options: ClusterOptions
): readonly ClusterSize[] {
  const fitting = new Set(
    options.pairs.filter(([slug]) => slug === image).map(([, size]) => size)
  );
  return options.sizes.filter(size => fitting.has(size.slug));
}

/**
 * The choice as it can be had now: what was remembered may be gone since.
 */
export function fitChoice(
  choice: IClusterChoice,
  options: ClusterOptions,
  serverImage: string
): IClusterChoice {
  const known = options.images.some(image => image.slug === choice.image);
  const sizes = sizesFor(imageOf(choice, options, serverImage), options);
  const size = sizes.find(each => each.slug === choice.workerSize) ?? sizes[0];
  const most = options.limits.workers ?? Infinity;
  const { adaptive } = choice;
  return {
    adaptive: adaptive && {
      maximum: Math.min(adaptive.maximum, most),
      minimum: Math.min(adaptive.minimum, adaptive.maximum, most)
    },
    image: known ? choice.image : '',
    workers: Math.min(choice.workers, most),
    workerSize: size?.slug ?? ''
  };
}

/**
 * The order for a cluster. What is left out is for the gateway to decide.
 */
export function wishFor(
  choice: IClusterChoice,
  options: ClusterOptions,
  serverImage: string
): Partial<ClusterWish> {
  const fitted = fitChoice(choice, options, serverImage);
  const image = imageOf(fitted, options, serverImage);
  return {
    ...(image && { image }),
    ...(fitted.workerSize && { worker_size: fitted.workerSize }),
    ...(fitted.adaptive
      ? { adaptive: fitted.adaptive }
      : { workers: fitted.workers })
  };
}

/**
 * A choice as it was remembered; what makes no sense is as at first.
 */
export function parseChoice(found: unknown): IClusterChoice {
  const { adaptive, image, maximum, minimum, workers, workerSize } = (found ??
    {}) as Record<string, unknown>;
  const range = { maximum: whole(maximum, 4), minimum: whole(minimum, 0) };
  return {
    adaptive: adaptive === true ? range : null,
    image: typeof image === 'string' ? image : FIRST_CHOICE.image,
    workers: whole(workers, FIRST_CHOICE.workers),
    workerSize:
      typeof workerSize === 'string' ? workerSize : FIRST_CHOICE.workerSize
  };
}

/**
 * A choice as it is remembered: one flat object that people can read.
 */
export function flattenChoice(
  choice: IClusterChoice
): Record<string, boolean | number | string> {
  const { adaptive, image, workers, workerSize } = choice;
  return {
    adaptive: adaptive !== null,
    ...adaptive,
    image,
    workers,
    workerSize
  };
}

function whole(found: unknown, otherwise: number): number {
  return Number.isInteger(found) && (found as number) >= 0
    ? (found as number)
    : otherwise;
}
