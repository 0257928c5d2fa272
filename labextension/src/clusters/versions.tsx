import React, { useCallback } from 'react';

import type { ClusterOptions } from '../wire';
import type { IClusterProps } from './context';
import * as texts from './texts';
import { useLoaded } from './useLoaded';

/**
 * What a notebook of this server and a cluster of another image have in different versions; before
 * somebody finds out by an error. Nothing, when the two have the same image.
 */
export function Versions(props: IClusterProps): React.JSX.Element | null {
  const { cluster, context } = props;
  const serverImage = context.serverImage();
  const runs = cluster.status === 'PENDING' || cluster.status === 'RUNNING';
  return runs && serverImage && serverImage !== cluster.image.slug ? (
    <Compared {...props} />
  ) : null;
}

function Compared(props: IClusterProps): React.JSX.Element | null {
  const { cluster, context } = props;
  const { api, trans } = context;
  const load = useCallback(() => api.options(), [api]);
  const { error, value } = useLoaded(load);
  if (!value && !error) {
    return null;
  }
  const different = value
    ? differences(value, context.serverImage(), cluster.image.slug)
    : null;
  const text = texts.versionsText(different, trans);
  return text ? (
    <p className="jp-sandlot-Note" role="note">
      {text}
    </p>
  ) : null;
}

/**
 * A package in two versions.
 */
export interface IDifference {
  readonly name: string;
  readonly here: string;
  readonly there: string;
}

/**
 * What two images have in different versions; null when that is not known of one of them.
 */
export function differences(
  options: ClusterOptions,
  here: string,
  there: string
): readonly IDifference[] | null {
  const [own, other] = [here, there].map(
    slug => options.images.find(image => image.slug === slug)?.packages ?? []
  );
  if (!own?.length || !other?.length) {
    return null;
  }
  return own.flatMap(({ name, version }) => {
    const found = other.find(each => each.name === name)?.version;
    return found === undefined || found === version
      ? []
      : [{ here: version, name, there: found }];
  });
}
