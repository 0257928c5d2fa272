import React from 'react';

import type { IClusterProps } from './context';
import { CountInput } from './countInput';
import { CountSlider } from './countSlider';
import type { IWorkerRange } from './tokens';

const FEW_WORKERS = 4;

/**
 * A slider that goes further than this cannot be put where it should be.
 */
const SLIDER_WORKERS = 50;

/**
 * How many workers a cluster has: so many, or as many as there is work for.
 */
export function Scaling(props: IClusterProps): React.JSX.Element {
  const { cluster, context } = props;
  const { model, trans } = context;
  const { adaptive, name } = cluster;
  const most = model.list?.value.limits.workers ?? null;
  const adapt = (range: IWorkerRange | null) => {
    void model.adapt(name, range);
  };
  const wanted = model.wanted(cluster);
  return (
    <div
      aria-label={trans.__('Workers')}
      className="jp-sandlot-Row"
      role="group"
    >
      {adaptive ? (
        <Range
          {...props}
          adapt={adapt}
          most={most}
          range={{
            maximum: adaptive.maximum ?? most ?? wanted,
            minimum: adaptive.minimum ?? 0
          }}
        />
      ) : (
        <Fixed {...props} most={most} wanted={wanted} />
      )}
      <label className="jp-sandlot-Check">
        <input
          checked={adaptive !== null}
          onChange={event => {
            adapt(event.target.checked ? firstRange(wanted, most) : null);
          }}
          type="checkbox"
        />
        {trans.__('adapt to the work')}
      </label>
    </div>
  );
}

function Fixed(
  props: IClusterProps & { most: number | null; wanted: number }
): React.JSX.Element {
  const { cluster, context, most, wanted } = props;
  const { model, trans } = context;
  const scale = (count: number) => {
    void model.scale(cluster.name, count);
  };
  const far = Math.max(most ?? SLIDER_WORKERS, wanted);
  return (
    <>
      <CountSlider
        label={trans.__('Workers, by slider')}
        max={Math.min(far, Math.max(SLIDER_WORKERS, wanted))}
        onCommit={scale}
        value={wanted}
      />
      <button
        aria-label={trans.__('One worker less')}
        className="jp-sandlot-Button jp-sandlot-Step"
        disabled={wanted === 0}
        onClick={() => {
          scale(wanted - 1);
        }}
        type="button"
      >
        −
      </button>
      <CountInput
        label={trans.__('Number of workers')}
        max={most}
        onCommit={scale}
        value={wanted}
      />
      <button
        aria-label={trans.__('One worker more')}
        className="jp-sandlot-Button jp-sandlot-Step"
        onClick={() => {
          scale(wanted + 1);
        }}
        type="button"
      >
        +
      </button>
    </>
  );
}

function Range(
  props: IClusterProps & {
    adapt: (range: IWorkerRange) => void;
    most: number | null;
    range: IWorkerRange;
  }
): React.JSX.Element {
  const { adapt, context, most, range } = props;
  const { trans } = context;
  return (
    <>
      <CountInput
        label={trans.__('Least workers')}
        max={range.maximum}
        onCommit={minimum => {
          adapt({ maximum: Math.max(minimum, range.maximum), minimum });
        }}
        value={range.minimum}
      />
      <span aria-hidden="true">–</span>
      <CountInput
        label={trans.__('Most workers')}
        max={most}
        onCommit={maximum => {
          adapt({ maximum, minimum: Math.min(maximum, range.minimum) });
        }}
        value={range.maximum}
      />
    </>
  );
}

function firstRange(wanted: number, most: number | null): IWorkerRange {
  return { maximum: most ?? Math.max(wanted, FEW_WORKERS), minimum: 0 };
}
