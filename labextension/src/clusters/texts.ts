/** What clusters say in words. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { errorText } from '../shared/errorText';
import { inGib } from '../shared/format';
import type { RequestError } from '../shared/request';
import type {
  Availability,
  ClusterAccelerator,
  ClusterImage,
  ClusterOptions,
  ClusterSize,
  FlavorState,
  PageCluster
} from '../wire';

const MADE_NAME = /^[0-9a-f]{32}$/;
const SHOWN_LETTERS = 8;

/**
 * A name as people tell it from others: those that the gateway makes are long.
 */
export function shortName(name: string): string {
  return MADE_NAME.test(name) ? name.slice(0, SHOWN_LETTERS) : name;
}

/**
 * The state, with a sign, because colour alone says nothing.
 */
export function statusText(
  status: PageCluster['status'],
  trans: TranslationBundle
): string {
  switch (status) {
    case 'PENDING':
      return trans.__('◐ Starting');
    case 'RUNNING':
      return trans.__('● Running');
    case 'STOPPING':
      return trans.__('◌ Stopping');
    case 'STOPPED':
      return trans.__('○ Stopped');
    case 'FAILED':
      return trans.__('✕ Failed');
  }
}

/**
 * What a cluster has, and how much is still to come.
 */
export function workersText(
  cluster: PageCluster,
  wanted: number,
  trans: TranslationBundle
): string {
  const { running } = cluster.workers;
  return [
    trans._n('%2 of %1 worker', '%2 of %1 workers', wanted, running),
    ...resources(cluster.size, running, trans)
  ].join(' · ');
}

/**
 * What each worker has.
 */
export function sizeText(size: ClusterSize, trans: TranslationBundle): string {
  return [size.display_name, ...resources(size, 1, trans)].join(' · ');
}

/**
 * The same, and how many of its accelerators are free now, where that is known.
 */
export function offeredText(
  size: ClusterSize,
  free: Pick<Availability, 'flavors' | 'known'> | null,
  trans: TranslationBundle
): string {
  const flavor = free?.flavors.find(
    ({ slug }) => slug === size.accelerator?.flavor
  );
  const state = free?.known ? flavor?.state : null;
  return [
    sizeText(size, trans),
    ...(state ? [freeText(state, trans)] : [])
  ].join(' · ');
}

function freeText(
  { free, total, waiting }: FlavorState,
  trans: TranslationBundle
): string {
  if (free > 0) {
    return trans.__('%1 of %2 free', free, total);
  }
  return waiting > 0
    ? trans.__('none of %1 free, %2 waiting', total, waiting)
    : trans.__('none of %1 free', total);
}

export function imageText(image: ClusterImage): string {
  return [image.display_name, image.version].filter(Boolean).join(' ');
}

/**
 * What all clusters may have together; empty when there is no limit.
 */
export function limitsText(
  { limits, sizes }: Pick<ClusterOptions, 'limits' | 'sizes'>,
  trans: TranslationBundle
): string {
  const { accelerators, clusters, cpus, memory_bytes, workers } = limits;
  const hasGpus = sizes.some(({ accelerator }) => accelerator !== null);
  const parts = [
    clusters !== null && trans._n('%1 cluster', '%1 clusters', clusters),
    workers !== null && trans._n('%1 worker', '%1 workers', workers),
    cpus !== null && trans._n('%1 core', '%1 cores', cpus),
    memory_bytes !== null && trans.__('%1 GiB', inGib(memory_bytes)),
    hasGpus &&
      accelerators !== null &&
      trans._n('%1 GPU', '%1 GPUs', accelerators)
  ].filter(part => part !== false);
  return parts.length > 0
    ? trans.__('Limit of all your clusters: %1', parts.join(' · '))
    : '';
}

/**
 * Why there are no clusters for this person here.
 */
export function awayText(
  error: RequestError,
  trans: TranslationBundle
): string {
  return error.code === 'visitor-not-owner'
    ? trans.__(
        'You are visiting the server of somebody else. The Dask clusters of its owner are not shown to visitors. Next: use a server of your own to have clusters.'
      )
    : errorText(error, trans);
}

/**
 * What happened to a cluster, in one sentence; said aloud by screen readers.
 */
export function newsText(
  cluster: PageCluster | null,
  trans: TranslationBundle
): string {
  if (!cluster) {
    return '';
  }
  const name = shortName(cluster.name);
  switch (cluster.status) {
    case 'PENDING':
      return trans.__('Cluster %1 is starting.', name);
    case 'RUNNING':
      return trans.__('Cluster %1 is running.', name);
    case 'STOPPING':
      return trans.__('Cluster %1 is stopping.', name);
    case 'STOPPED':
      return trans.__('Cluster %1 has ended.', name);
    case 'FAILED':
      return trans.__(
        'Cluster %1 has failed: %2',
        name,
        [cluster.reason, cluster.next].filter(Boolean).join(' ')
      );
  }
}

/**
 * What may go wrong between a notebook and a cluster of another image; empty when nothing can.
 *
 * @param different - the packages in two versions; null when they are not known
 */
export function versionsText(
  different: readonly { here: string; name: string; there: string }[] | null,
  trans: TranslationBundle
): string {
  const next = trans.__(
    'Next: if something cannot be sent or loaded, make the cluster of the image of this server.'
  );
  if (different === null) {
    return `${trans.__('This cluster is of another image than this server, and may have other versions.')} ${next}`;
  }
  const versions = different.map(({ here, name, there }) =>
    trans.__('%1 %2 here, %3 in the cluster', name, here, there)
  );
  return versions.length > 0 ? `${versions.join('; ')}. ${next}` : '';
}

/**
 * What is lost with a cluster; empty when nothing is.
 */
export function lossText(
  cluster: PageCluster,
  trans: TranslationBundle
): string {
  const { running, starting } = cluster.workers;
  return running + starting > 0
    ? trans._n(
        'Its %1 worker ends, and with it what it computes now and what it holds in memory. Files stay.',
        'Its %1 workers end, and with them what they compute now and what they hold in memory. Files stay.',
        running + starting
      )
    : '';
}

function gpus(
  { count, display_name }: ClusterAccelerator,
  workers: number
): string {
  return `${count * workers} × ${display_name}`;
}

function resources(
  size: ClusterSize,
  count: number,
  trans: TranslationBundle
): string[] {
  const cpus = Math.round(size.cpus * count * 100) / 100;
  return [
    trans._n('%1 core', '%1 cores', cpus),
    trans.__('%1 GiB', inGib(size.memory_bytes * count)),
    ...(size.accelerator ? [gpus(size.accelerator, count)] : [])
  ];
}
